package doctor

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"feikong/internal/daemon"
	"feikong/protocol"
)

const (
	// helloMax is how long the gateway has to answer a hello.
	helloMax = 15 * time.Second
	// offsetBad is the error of this machine's clock that spoils readings' times; offsetSome is worth a word.
	offsetBad, offsetSome = time.Minute, 5 * time.Second
)

// broker goes from the network to the gateway. While the agent is connected nobody else signs in with its name: the
// broker would end the agent's connection.
func (d *doctor) broker(ctx context.Context) {
	skip := func(names ...string) {
		for _, n := range names {
			d.add(Check{Name: n, State: Skip, Finding: say("因前一项失败未检查", "not examined because of the failure above")})
		}
	}
	conn, host, err := d.reach(ctx)
	if err != nil {
		c := Check{Name: CheckBroker, State: Fail, Fault: FaultBroker, Finding: say("连不上 %s：%v", "cannot reach %s: %v", host, err)}
		var dns *net.DNSError
		var cert *tls.CertificateVerificationError
		switch {
		case errors.As(err, &cert):
			c.Fault = FaultTLS
			c.Remedy = say("证书不被信任：核对 broker.url 的主机名、CA 证书，以及本机时间是否正确", "the certificate is not trusted: compare the host in broker.url, the CA, and this machine's time")
		case errors.As(err, &dns):
			c.Remedy = say("域名解析不了：检查 DNS（/etc/resolv.conf）和 broker.url", "the name is not known: look at DNS (/etc/resolv.conf) and broker.url")
		default:
			c.Remedy = say("检查网络（ip route、ping）、防火墙和 broker.url；网关在运行吗？读数在暂存中等待，不会丢", "look at the network (ip route, ping), the firewall and broker.url; is the gateway running? readings wait in the outbox and are not lost")
		}
		d.add(c)
		skip(CheckCredentials, CheckGateway)
		return
	}
	defer conn.Close()
	d.add(Check{Name: CheckBroker, State: OK, Finding: say("%s 可连接", "%s can be reached", host)})
	if s := d.running; s != nil {
		d.add(Check{Name: CheckCredentials, State: Skip, Finding: say("采集终端在运行，以它的名义登录会断开它", "the agent is running, and to sign in with its name would disconnect it")})
		d.offset(time.Duration(s.ClockOffsetMS)*time.Millisecond, s.ClockTrusted)
		return
	}
	m, err := signIn(ctx, conn, d.Config.Agent, d.Config.Broker.User, d.Config.Broker.Password)
	if err != nil {
		c := Check{Name: CheckCredentials, State: Fail, Fault: FaultCredentials, Finding: say("以 %s 登录失败：%v", "signing in as %s failed: %v", d.Config.Broker.User, err),
			Remedy: say("核对 broker.user 和 broker.password（或环境变量 FEIKONG_BROKER_PASSWORD）与网关中该终端的一致", "compare broker.user and broker.password (or FEIKONG_BROKER_PASSWORD) with what the gateway has for this agent")}
		if !errors.Is(err, errRefused) {
			c.Fault = FaultBroker
			c.Remedy = say("端口对吗？对方不像 MQTT 3.1.1 服务", "is it the right port? what answers is no MQTT 3.1.1 broker")
		}
		d.add(c)
		skip(CheckGateway)
		return
	}
	d.add(Check{Name: CheckCredentials, State: OK, Finding: say("以 %s 登录成功", "signed in as %s", d.Config.Broker.User)})
	offset, err := d.hello(m)
	m.leave()
	if err != nil {
		d.add(Check{Name: CheckGateway, State: Fail, Fault: FaultGateway, Finding: say("网关没有回答：%v", "the gateway did not answer: %v", err),
			Remedy: say("网关在运行吗？tenant（%s）和 agent（%s）与网关的一致吗？", "is the gateway running? are tenant (%s) and agent (%s) as the gateway has them?", d.Config.Tenant, d.Config.Agent)})
		return
	}
	d.offset(offset, true)
}

// offset judges this machine's clock against the gateway's.
func (d *doctor) offset(off time.Duration, answered bool) {
	c := Check{Name: CheckGateway, State: OK, Finding: say("网关已回答，本机时钟偏差 %s", "the gateway answers; this machine's clock is off by %s", off.Round(time.Millisecond))}
	switch {
	case !answered:
		c.State, c.Fault = Fail, FaultGateway
		c.Finding = say("采集终端还没有得到网关的时间", "the agent has not had the gateway's time yet")
		c.Remedy = say("网关在运行吗？查看 agent run 的日志", "is the gateway running? look at the log of agent run")
	case off.Abs() > offsetBad:
		c.State, c.Fault = Fail, FaultAgentClock
		c.Remedy = say("校准本机时间：timedatectl set-ntp true，并检查时区", "set this machine's clock: timedatectl set-ntp true, and look at the zone")
	case off.Abs() > offsetSome:
		c.State, c.Fault = Warn, FaultAgentClock
		c.Remedy = say("打开 NTP：timedatectl set-ntp true", "turn NTP on: timedatectl set-ntp true")
	}
	d.add(c)
}

// reach opens the connection to the broker, encrypted where the URL says so.
func (d *doctor) reach(ctx context.Context) (net.Conn, string, error) {
	u, err := url.Parse(d.Config.Broker.URL)
	if err != nil {
		return nil, "broker.url", errors.New("not a URL")
	}
	ctx, cancel := context.WithTimeout(ctx, dialMax)
	defer cancel()
	conn, err := d.Dial(ctx, "tcp", u.Host)
	if err != nil {
		return nil, u.Host, err
	}
	switch u.Scheme {
	case "ssl", "tls", "mqtts":
		t := tls.Client(conn, &tls.Config{ServerName: u.Hostname()})
		if err := t.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, u.Host, err
		}
		return t, u.Host, nil
	}
	return conn, u.Host, nil
}

// hello asks the gateway for its time, as an agent does when it connects.
func (d *doctor) hello(m *session) (offset time.Duration, err error) {
	c := d.Config
	if err := m.subscribe(protocol.Down(c.Tenant, c.Agent, "hello")); err != nil {
		return 0, err
	}
	var boot [8]byte
	rand.Read(boot[:]) // never fails (crypto/rand)
	h := protocol.Hello{Agent: c.Agent, Version: daemon.Version, Boot: binary.BigEndian.Uint64(boot[:]), At: time.Now().UnixMilli(), Seq: 1}
	sent := time.Now()
	if err := m.publish(protocol.Up(c.Tenant, c.Agent, "hello"), protocol.AppendHello(nil, &h)); err != nil {
		return 0, err
	}
	for end := sent.Add(helloMax); time.Now().Before(end); {
		payload, err := m.next(end)
		if err != nil {
			return 0, err
		}
		r, err := protocol.DecodeHelloReply(payload)
		if err != nil {
			return 0, fmt.Errorf("understand the gateway's answer: %w", err)
		}
		if r.Boot != h.Boot {
			continue
		}
		back := time.Now()
		middle := sent.Add(back.Sub(sent) / 2)
		return middle.Sub(time.UnixMilli(r.Time)), nil
	}
	return 0, errors.New("no answer in time")
}
