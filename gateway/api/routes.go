package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"feikong/gateway/api/wire"
)

// bodyMax bounds a request's body: the largest, a tag with its reason, is far below it.
const bodyMax = 16 << 10

// route is one row of the table of the REST API.
type route struct {
	method, path string
	id, tag      string
	summary      string
	register     func(*Server, route)
}

// routes is the whole REST API.
var routes = []route{
	{http.MethodGet, "/api/v1/accounts", "list-accounts", "accounts", "Accounts with the facts their decisions rest on", handle((*Server).listAccounts)},
	{http.MethodGet, "/api/v1/accounts/{account}", "get-account", "accounts", "One account with the facts its decisions rest on", handle((*Server).getAccount)},
	{http.MethodGet, "/api/v1/accounts/{account}/ledger", "list-ledger", "accounts", "The account's ledger, oldest first", handle((*Server).listLedger)},
	{http.MethodGet, "/api/v1/accounts/{account}/readings", "list-readings", "accounts", "Stored readings of one register, oldest first", handle((*Server).listReadings)},
	{http.MethodGet, "/api/v1/accounts/{account}/bills", "list-bills", "accounts", "Issued bills, oldest first", handle((*Server).listBills)},
	{http.MethodGet, "/api/v1/accounts/{account}/bills/{bill}", "get-bill", "accounts", "One bill", handle((*Server).getBill)},
	{http.MethodGet, "/api/v1/accounts/{account}/orders", "list-orders", "accounts", "Orders with safety case, outcome and frames, oldest first", handle((*Server).listOrders)},
	{http.MethodGet, "/api/v1/accounts/{account}/notices", "list-notices", "accounts", "Notices with the evidence of their delivery, oldest first", handle((*Server).listNotices)},
	{http.MethodGet, "/api/v1/accounts/{account}/findings", "list-findings", "accounts", "What audit found, open and closed, oldest first", handle((*Server).listFindings)},

	{http.MethodPost, "/api/v1/accounts/{account}/payments", "pay", "acts", "Post a payment (缴费); the Idempotency-Key header names it for ever", handle((*Server).pay)},
	{http.MethodPost, "/api/v1/accounts/{account}/bills", "issue-bill", "acts", "Close the open period and issue its bill (发行)", handle((*Server).issueBill)},
	{http.MethodPost, "/api/v1/accounts/{account}/protect", "protect", "acts", "Protect the supply (保电): it is never cut", handle((*Server).protect)},
	{http.MethodPost, "/api/v1/accounts/{account}/unprotect", "unprotect", "acts", "End the protection", handle((*Server).unprotect)},
	{http.MethodPost, "/api/v1/accounts/{account}/tags", "add-tag", "acts", "Hang a tag that forbids trips or closes", handle((*Server).addTag)},
	{http.MethodPost, "/api/v1/accounts/{account}/tags/{tag}/lift", "lift-tag", "acts", "Lift a tag: its holder, or the administrator in the holder's place", handle((*Server).liftTag)},
	{http.MethodPost, "/api/v1/accounts/{account}/holds", "add-hold", "acts", "Stop trips while something is open", handle((*Server).addHold)},
	{http.MethodPost, "/api/v1/accounts/{account}/holds/{hold}/release", "release-hold", "acts", "Release a hold", handle((*Server).releaseHold)},
	{http.MethodPost, "/api/v1/accounts/{account}/accept-reading", "accept-reading", "acts", "Accept the held register: it starts a new segment", handle((*Server).acceptReading)},
	{http.MethodPost, "/api/v1/accounts/{account}/trip", "trip", "acts", "Ask for a trip; the interlocks stand, the balance is not asked", handle((*Server).trip)},
	{http.MethodPost, "/api/v1/accounts/{account}/close", "close", "acts", "Ask for a restore", handle((*Server).restore)},
	{http.MethodPost, "/api/v1/accounts/{account}/task-done", "task-done", "acts", "Report a field task as done", handle((*Server).taskDone)},

	{http.MethodGet, "/api/v1/quarantine", "list-quarantine", "plant", "What could not be attributed, newest first", handle((*Server).listQuarantine)},
	{http.MethodGet, "/api/v1/gaps", "list-gaps", "plant", "Named holes that agents reported", handle((*Server).listGaps)},
	{http.MethodGet, "/api/v1/alarms", "list-alarms", "plant", "Alarms that agents reported", handle((*Server).listAlarms)},
	{http.MethodGet, "/api/v1/field-work", "list-field-work", "plant", "What people did at meters (现场作业), newest first", handle((*Server).listFieldWork)},
	{http.MethodGet, "/api/v1/audit", "list-audit", "plant", "Who did what, in its hash chain, oldest first", handle((*Server).listAudit)},
	{http.MethodGet, "/api/v1/agents", "list-agents", "plant", "Agents with their lines, meters and lanes", handle((*Server).listAgents)},
	{http.MethodGet, "/api/v1/verify", "verify", "plant", "Prove that the books are right", handle((*Server).runVerify)},
	{http.MethodGet, "/api/v1/events", "events", "plant", "Server-sent events: hello, then a commit event with the accounts that changed", (*Server).registerEvents},

	{http.MethodGet, "/api/v1/me", "me", "identity", "Who the request comes from", handle((*Server).me)},
	{http.MethodGet, "/api/v1/tokens", "list-tokens", "identity", "API tokens, without their text", handle((*Server).listTokens)},
	{http.MethodPost, "/api/v1/tokens", "make-token", "identity", "Make an API token; its text is told once", handle((*Server).makeToken)},
	{http.MethodDelete, "/api/v1/tokens/{token}", "revoke-token", "identity", "Revoke an API token", handle((*Server).revokeToken)},
}

// handle makes a handler with huma's checks of input and its part of the document.
func handle[I, O any](h func(*Server, context.Context, *I) (*O, error)) func(*Server, route) {
	return func(s *Server, r route) {
		huma.Register(s.api, s.operation(r), func(ctx context.Context, in *I) (*O, error) { return h(s, ctx, in) })
	}
}

func (s *Server) operation(r route) huma.Operation {
	schema := s.api.OpenAPI().Components.Schemas.Schema(typeOf[wire.Problem](), true, "Problem")
	return huma.Operation{
		OperationID: r.id, Method: r.method, Path: r.path, Summary: r.summary, Tags: []string{r.tag}, MaxBodyBytes: bodyMax,
		Responses: map[string]*huma.Response{"default": {Description: "A problem", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema}}}},
	}
}
