package doctor

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"feikong/agent/edge"
	"feikong/agent/line"
)

// latencyMax is what a USB adapter may hold bytes back before it is worth a word: its default of 16 ms costs as much in
// each exchange as 3 characters at 2400 baud.
const latencyMax = 4

// opened looks at the port and opens it. nil: it cannot be used, and it has been said why.
func (d *doctor) opened(l edge.Line) line.Port {
	c := Check{Line: l.Name}
	tcp := strings.HasPrefix(l.Path, "tcp://")
	if !tcp {
		info, err := os.Stat(l.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && !d.Simulated:
			c.Name, c.State, c.Fault = CheckPort, Fail, FaultNoPort
			c.Finding = say("%s 不存在", "%s does not exist", l.Path)
			c.Remedy = say("转换器插好了吗？现有端口：%s", "is the adapter plugged in? ports that are there: %s", Ports())
			d.add(c)
			return nil
		case err == nil && info.Mode()&os.ModeDevice == 0:
			c.Name, c.State, c.Fault = CheckPort, Fail, FaultPort
			c.Finding, c.Remedy = say("%s 不是设备文件", "%s is not a device", l.Path), say("改正配置中的 port；现有端口：%s", "correct port in the configuration; ports that are there: %s", Ports())
			d.add(c)
			return nil
		}
		if d.running == nil {
			for _, h := range Holders(l.Path) {
				c.Name, c.State, c.Fault = CheckBusy, Fail, FaultBusy
				c.Finding = say("%s 被进程 %s（%d）占用", "%s is open in %s (pid %d)", l.Path, h.Name, h.PID)
				c.Remedy = say("两个程序同用一个端口会互相破坏报文：停掉其中一个（systemctl stop，或 kill %d）", "two programs on one port spoil each other's frames: stop one of them (systemctl stop, or kill %d)", h.PID)
				d.add(c)
				return nil
			}
		}
	}
	p, err := d.Open(l.Settings)
	if err != nil {
		c.Name, c.State, c.Fault, c.Finding = CheckPort, Fail, FaultPort, err.Error()
		var netErr net.Error
		switch {
		case tcp || errors.As(err, &netErr):
			c.Remedy = say("串口服务器有电、在网上、端口号对吗？ping 它，并查看它的网页", "has the serial server power and network, and is it that port? ping it and look at its web page")
		case errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), "ermission denied"):
			c.Name, c.Fault = CheckPermission, FaultPermission
			c.Remedy = say("把用户加入设备的组：sudo usermod -aG dialout 用户名，然后重新登录", "put the user into the device's group: sudo usermod -aG dialout USER, then log in again")
		case strings.Contains(err.Error(), "busy"):
			c.Name, c.Fault = CheckBusy, FaultBusy
			c.Remedy = say("另一个程序打开了它：用 sudo fuser -v %s 找出并停掉", "another program has it open: find it with sudo fuser -v %s and stop it", l.Path)
		default:
			c.Remedy = say("现有端口：%s", "ports that are there: %s", Ports())
		}
		d.add(c)
		return nil
	}
	c.Name, c.State, c.Finding = CheckPort, OK, say("%s 可打开，%d %s", "%s opens, %d %s", l.Path, l.Baud, l.Parity)
	d.add(c)
	if !tcp {
		d.adapter(l)
	}
	return p
}

// adapter looks at how long a USB adapter holds bytes back.
func (d *doctor) adapter(l edge.Line) {
	dev, err := filepath.EvalSymlinks(l.Path)
	if err != nil {
		return
	}
	file := filepath.Join("/sys/class/tty", filepath.Base(dev), "device/latency_timer")
	b, err := os.ReadFile(file)
	if err != nil {
		return // not an adapter of this kind
	}
	ms, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return
	}
	c := Check{Name: CheckAdapter, Line: l.Name, State: OK, Finding: say("转换器延迟 %d ms", "the adapter holds bytes back for %d ms", ms)}
	if ms > latencyMax {
		c.State, c.Fault = Warn, FaultLatency
		c.Remedy = say("每次交换慢 %d ms；echo 1 | sudo tee %s（重启后需再设）", "each exchange is %d ms slower; echo 1 | sudo tee %s (again after a restart)", ms, file)
	}
	d.add(c)
}

// Ports names the serial ports of this machine, for a sentence.
func Ports() string {
	var names []string
	for _, pattern := range []string{"/dev/serial/by-id/*", "/dev/ttyUSB*", "/dev/ttyACM*", "/dev/ttyS[0-3]", "/dev/ttyAMA*", "/dev/ttymxc*"} {
		found, _ := filepath.Glob(pattern)
		names = append(names, found...)
	}
	if len(names) == 0 {
		return say("无", "none")
	}
	return strings.Join(names[:min(len(names), 12)], " ")
}
