//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestRealTerragrunt runs the Terragrunt that FOB_TEST_TERRAGRUNT names: on the
// PATH of scripts the name is that of the stub which follows its contract.
func TestRealTerragrunt(t *testing.T) {
	t.Parallel()
	program := os.Getenv("FOB_TEST_TERRAGRUNT")
	if program == "" {
		t.Skip("terragrunt is missing: FOB_TEST_TERRAGRUNT does not name the program")
	}
	program, err := filepath.Abs(program)
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, scriptParams("testdata/terragrunt", func(env *testscript.Env) (localAWS, error) {
		env.Setenv("TERRAGRUNT", program)
		return startOurs(env)
	}))
}
