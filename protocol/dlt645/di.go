package dlt645

import "fmt"

// DI is a data identifier (数据标识) in reading order: 0x0001FF00. 1997 ones
// have four digits: 0x9010.
type DI uint32

// Identifiers a fee-control master lives on.
const (
	DIForwardTotal   DI = 0x00010000 // 正向有功总电能
	DIForwardBlock   DI = 0x0001FF00 // total and all rates
	DIVoltageA       DI = 0x02010100
	DICurrentA       DI = 0x02020100
	DIPowerTotal     DI = 0x02030000
	DIDate           DI = 0x04000101 // 日期及星期
	DITime           DI = 0x04000102 // 时间
	DIDateTime       DI = 0x0400010C // newer meters: both at once
	DIStatusWord3    DI = 0x04000503 // 电表运行状态字3
	DIStatusWords    DI = 0x040005FF
	DIRemainingMoney DI = 0x00900200 // 剩余金额
	DIOverdraftMoney DI = 0x00900201 // 透支金额
)

// String gives the eight digits in reading order.
func (d DI) String() string { return fmt.Sprintf("%08X", uint32(d)) }

// Append appends the four bytes in wire order, DI0 first.
func (d DI) Append(dst []byte) []byte {
	return append(dst, byte(d), byte(d>>8), byte(d>>16), byte(d>>24))
}

// wireDI reads four bytes in wire order; the caller has checked the length.
func wireDI(b []byte) DI {
	return DI(b[0]) | DI(b[1])<<8 | DI(b[2])<<16 | DI(b[3])<<24
}
