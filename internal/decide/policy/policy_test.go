package policy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"fob/internal/decide/policy"

	"github.com/google/go-cmp/cmp"
)

// room is what a policy may have where AWS still packs it, which is tighter than
// the 2,048 characters that it counts: one of 1,690 was reported to take 157%.
const room = 1690 * 100 / 157

// TestSizes computes what AWS counts: the characters of the inline policy and of
// the ARNs together.
func TestSizes(t *testing.T) {
	t.Parallel()
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov", "aws-iso-b"} {
		got := map[string]int{}
		for _, name := range policy.Names() {
			inline, arns, ok := policy.Builtin(name, partition)
			if !ok || len(arns) != 1 || !json.Valid([]byte(inline)) {
				t.Fatalf("%s: %v %q %s", name, ok, arns, inline)
			}
			got[name] = len(inline) + len(arns[0])
			if got[name] > room {
				t.Errorf("%s in %s has %d characters", name, partition, got[name])
			}
			for _, text := range append(arns, inline) {
				if n := strings.Count(text, "arn:"); n != strings.Count(text, "arn:"+partition+":") {
					t.Errorf("%s in %s names another partition: %s", name, partition, text)
				}
			}
		}
		if want := map[string]int{"view": 671, "read-only": 658, "plan": 1004}; partition == "aws" && !cmp.Equal(want, got) {
			t.Errorf("sizes (-want +got):\n%s", cmp.Diff(want, got))
		}
	}
	if _, _, ok := policy.Builtin(policy.Full, "aws"); ok {
		t.Error("full is a policy")
	}
}
