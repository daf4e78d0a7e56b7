// Package oracle prices periods a second time, for tests alone: in numbers of any size (math/big), from the meaning of the tariff
// documents and the rules of the trade, without a line of package rate. Where the two differ, one of them is wrong.
//
// It takes the data types of its neighbours and none of their arithmetic; a test reads its source for that.
package oracle
