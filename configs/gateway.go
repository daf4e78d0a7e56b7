package configs

import _ "embed"

// Gateway is gateway.yaml, the gateway's configuration with every key explained; Archive is the archive file beside it.
var (
	//go:embed gateway.yaml
	Gateway []byte
	//go:embed archive.yaml
	Archive []byte
)
