package cli

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestALostPasswordIsResetOnlyWhileTheGatewayIsStopped(t *testing.T) {
	dir := street(t)
	data := filepath.Join(dir, "gateway")
	stop := gateway(t, dir)
	if code, _, said := call(t, "en", "password", "reset", "--data", data); code != 1 || !strings.Contains(said, "stop it first") {
		t.Errorf("running: got %d %q, want a refusal that says what to do", code, said)
	}
	stop()
	code, out, said := call(t, "zh_CN", "password", "reset", "--data", data)
	if code != 0 || !strings.Contains(out, "一次性密码") {
		t.Errorf("stopped: got %d %q %q", code, out, said)
	}
	if code, _, said := call(t, "en", "password", "reset", "--data", t.TempDir()); code != 1 || said == "" {
		t.Errorf("no store: got %d %q", code, said)
	}
}
