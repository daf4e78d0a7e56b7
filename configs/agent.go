package configs

import _ "embed"

// Agent is agent.yaml, the agent's configuration with every key explained.
//
//go:embed agent.yaml
var Agent []byte
