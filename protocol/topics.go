package protocol

import "strings"

// Version prefix of every topic. A change that an older peer would misread gets a new one.
const topicRoot = "v1/"

// Up is the topic an agent publishes a kind of message on: "readings", "evidence", "hello" or "status".
func Up(tenant, agent, kind string) string { return topicRoot + tenant + "/" + agent + "/up/" + kind }

// Down is the topic the gateway publishes to an agent on: "ack", "order", "hello" or "boundaries".
func Down(tenant, agent, kind string) string {
	return topicRoot + tenant + "/" + agent + "/down/" + kind
}

// NoticeTopic is where a customer's terminal 用户终端 listens; ReceiptTopic is where it answers.
func NoticeTopic(tenant, account string) string {
	return topicRoot + tenant + "/accounts/" + account + "/notice"
}

// ReceiptTopic is where an account's terminal confirms notices.
func ReceiptTopic(tenant, account string) string {
	return topicRoot + tenant + "/accounts/" + account + "/receipt"
}

// UpParts splits an upward topic; ok is false for anything else.
func UpParts(topic string) (tenant, agent, kind string, ok bool) {
	p := strings.Split(topic, "/")
	if len(p) != 5 || p[0]+"/" != topicRoot || p[3] != "up" || p[1] == "" || p[2] == "" || p[2] == "accounts" {
		return "", "", "", false
	}
	return p[1], p[2], p[4], true
}

// ReceiptParts splits a receipt topic; ok is false for anything else.
func ReceiptParts(topic string) (tenant, account string, ok bool) {
	p := strings.Split(topic, "/")
	if len(p) != 5 || p[0]+"/" != topicRoot || p[2] != "accounts" || p[4] != "receipt" || p[1] == "" || p[3] == "" {
		return "", "", false
	}
	return p[1], p[3], true
}
