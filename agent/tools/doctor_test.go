package tools

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"feikong/agent/doctor"
)

func TestDoctorEndsWithAnErrorWhenSomethingFailed(t *testing.T) {
	w := newWorkshop(t)
	w.runLine(t)
	out, _, err := w.run(DoctorCommand(), nil, "--listen", "100ms", "--reads", "2", "--json")
	if !errors.Is(err, ErrSick) { // nobody listens where its broker should be
		t.Errorf("got %v", err)
	}
	var faults []string
	for _, l := range strings.Split(strings.TrimSpace(out), "\n") {
		var k doctor.Check
		if err := json.Unmarshal([]byte(l), &k); err != nil {
			t.Fatalf("%s: %v", l, err)
		}
		if k.Fault != "" {
			faults = append(faults, k.Fault)
		}
	}
	if strings.Join(faults, " ") != doctor.FaultBroker {
		t.Errorf("got %v in\n%s", faults, out)
	}
}

func TestDoctorLeavesTheLinesOfARunningAgentAlone(t *testing.T) {
	w := newWorkshop(t)
	w.runAgent(t)
	out, _, err := w.run(DoctorCommand(), nil)
	if err == nil || !strings.Contains(out, "the agent is using the line") || !strings.Contains(out, "[FAIL] broker") || strings.Contains(out, "[FAIL] l1") {
		t.Errorf("got %v\n%s", err, out)
	}
}

func TestDoctorNamesAConfigurationThatIsNotThere(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	out, err := command(DoctorCommand(), "--config", "nowhere.yaml")
	if !errors.Is(err, ErrSick) || !strings.Contains(out, "nowhere.yaml") || !strings.Contains(out, "config example") {
		t.Errorf("got %v\n%s", err, out)
	}
}
