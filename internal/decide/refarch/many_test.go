package refarch

import "testing"

// 500 accounts of six roles each, all named by one policy, as that of the group
// _all-accounts names them.
func TestManyRights(t *testing.T) {
	t.Parallel()
	a, err := ParseAccounts("f", []byte(many(500)))
	if err != nil {
		t.Fatal(err)
	}
	var arns []string
	for _, one := range a.List {
		for _, role := range roles() {
			if role.Grouped {
				arns = append(arns, "arn:aws:iam::"+one.ID+":role/"+Naming{}.Name(role.Key, one.Name))
			}
		}
	}
	got, err := Allowed(a, "security", Naming{}, Rights{Policies: []string{assume(arns...)}})
	if err != nil || len(got) != 3000 || len(Least(got)) != 500 {
		t.Error(len(got), len(Least(got)), err)
	}
}
