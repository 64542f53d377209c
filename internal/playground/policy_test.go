package playground

import (
	"errors"
	"strings"
	"testing"
)

func TestIdentityPolicies(t *testing.T) {
	t.Parallel()
	const statement = `{"Version":"2012-10-17","Statement":`
	base := facts{"aws:username": {"jane@acme.com"}, "aws:multifactorauthpresent": {"false"}, "aws:principaltag/team": {"red"},
		"aws:tagkeys": {"a", "b"}, "aws:currenttime": {"2026-03-01T12:00:00Z"}, "aws:sourceip": {"127.0.0.1"},
		"aws:multifactorauthage": {"300"}, "aws:principalarn": {"arn:aws:iam::123456789012:user/jane@acme.com"}}
	tests := []struct {
		name, statements, action, resource string
		want                               finding
	}{
		{"nothing said", `[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]`, "iam:GetUser", "*", silent},
		{"an action has no case", `{"Effect":"Allow","Action":"IAM:getuser","Resource":"*"}`, "iam:GetUser", "*", allowed},
		{"a star in an action", `{"Effect":"Allow","Action":["iam:Get*"],"Resource":"*"}`, "iam:GetUser", "*", allowed},
		{"a question mark", `{"Effect":"Allow","Action":"iam:Ge?User","Resource":"*"}`, "iam:GetUser", "*", allowed},
		{"deny wins over allow", `[{"Effect":"Deny","Action":"iam:*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}]`, "iam:GetUser", "*", denied},
		{"NotAction leaves the rest", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, "s3:GetObject", "*", allowed},
		{"NotAction takes out", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, "iam:GetUser", "*", silent},
		{"NotResource takes out", `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::a/*"}`, "s3:GetObject", "arn:aws:s3:::a/k", silent},
		{"NotResource leaves the rest", `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::a/*"}`, "s3:GetObject", "arn:aws:s3:::b/k", allowed},
		{"a resource has case", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::A"}`, "s3:ListBucket", "arn:aws:s3:::a", silent},
		{"a star stays in its part of an ARN", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::1*:role/x"}`, "sts:AssumeRole", "arn:aws:iam::12:y:role/x", silent},
		{"a star in the account", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::*:role/x"}`, "sts:AssumeRole", "arn:aws:iam::123456789012:role/x", allowed},
		{"the caller's own name", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::1:user/${aws:username}"}`, "iam:GetUser", "arn:aws:iam::1:user/jane@acme.com", allowed},
		{"another's name", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::1:user/${aws:username}"}`, "iam:GetUser", "arn:aws:iam::1:user/bob", silent},
		{"a variable without a value", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::1:user/${aws:SourceIdentity}"}`, "iam:GetUser", "arn:aws:iam::1:user/", silent},
		{"a variable with a default", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::1:user/${aws:SourceIdentity, 'bob'}"}`, "iam:GetUser", "arn:aws:iam::1:user/bob", allowed},
		{"an escaped star", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::a/${*}"}`, "s3:GetObject", "arn:aws:s3:::a/b", silent},
		{"Bool met", `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}`, "s3:x", "*", denied},
		{"Bool as JSON", `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":false}}}`, "s3:x", "*", denied},
		{"Bool without the key", `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:ViaAWSService":"false"}}}`, "s3:x", "*", silent},
		{"BoolIfExists without the key", `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:ViaAWSService":"false"}}}`, "s3:x", "*", denied},
		{"Null, absent", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Null":{"aws:SourceIdentity":"true"}}}`, "s3:x", "*", allowed},
		{"Null, present", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Null":{"aws:username":"true"}}}`, "s3:x", "*", silent},
		{"StringEquals, one of", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":["blue","red"]}}}`, "s3:x", "*", allowed},
		{"StringEquals has case and no stars", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":["Red","r*"]}}}`, "s3:x", "*", silent},
		{"StringEqualsIgnoreCase", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqualsIgnoreCase":{"aws:PrincipalTag/team":"RED"}}}`, "s3:x", "*", allowed},
		{"StringNotEquals without the key", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:SourceIdentity":"x"}}}`, "s3:x", "*", allowed},
		{"StringNotEquals with none of", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalTag/team":["blue","red"]}}}`, "s3:x", "*", silent},
		{"StringLike with a variable", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:PrincipalArn":"arn:*:user/${aws:username}"}}}`, "s3:x", "*", allowed},
		{"StringNotLike", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotLike":{"aws:username":"*@acme.com"}}}`, "s3:x", "*", silent},
		{"ArnLike", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}}`, "s3:x", "*", allowed},
		{"ArnNotEquals", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}}`, "s3:x", "*", silent},
		{"NumericLessThan", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":"301"}}}`, "s3:x", "*", allowed},
		{"NumericLessThan, equal", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":300}}}`, "s3:x", "*", silent},
		{"NumericNotEquals", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericNotEquals":{"aws:MultiFactorAuthAge":"300"}}}`, "s3:x", "*", silent},
		{"DateGreaterThan", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2026-03-01T11:59:59Z"}}}`, "s3:x", "*", allowed},
		{"DateLessThanEquals by epoch", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThanEquals":{"aws:CurrentTime":"1772366399"}}}`, "s3:x", "*", silent},
		{"IpAddress", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","127.0.0.1"]}}}`, "s3:x", "*", allowed},
		{"NotIpAddress", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"127.0.0.0/8"}}}`, "s3:x", "*", silent},
		{"ForAllValues, all", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b","c"]}}}`, "s3:x", "*", allowed},
		{"ForAllValues, one more", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}}}`, "s3:x", "*", silent},
		{"ForAllValues without the key", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"sts:TransitiveTagKeys":"a"}}}`, "s3:x", "*", allowed},
		{"ForAnyValue", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:StringLike":{"aws:TagKeys":"b*"}}}`, "s3:x", "*", allowed},
		{"ForAnyValue without the key", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"sts:TransitiveTagKeys":"a"}}}`, "s3:x", "*", silent},
		{"all conditions must hold", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":"jane@acme.com","aws:PrincipalTag/team":"blue"}}}`, "s3:x", "*", silent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc, err := parsePolicy(statement+tt.statements+"}", identityPolicy)
			if err != nil {
				t.Fatal(err)
			}
			got, err := judge([]document{doc}, question{action: tt.action, resource: tt.resource, facts: base})
			if err != nil || got != tt.want {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestUnjudged(t *testing.T) {
	t.Parallel()
	for _, condition := range []string{
		`{"BinaryEquals":{"aws:username":"x"}}`,
		`{"StringEqualz":{"aws:username":"x"}}`,
		`{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}`,
		`{"StringEquals":{"aws:username":"${ec2:SourceInstanceARN}"}}`,
		`{"NumericLessThan":{"aws:MultiFactorAuthAge":"soon"}}`,
		`{"DateLessThan":{"aws:CurrentTime":"tomorrow"}}`,
		`{"IpAddress":{"aws:SourceIp":"here"}}`,
		`{"Null":{"aws:username":"maybe"}}`,
	} {
		doc, err := parsePolicy(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":`+condition+`}}`, identityPolicy)
		if err != nil {
			t.Fatal(err)
		}
		f := facts{"aws:username": {"x"}, "aws:multifactorauthage": {"1"}, "aws:currenttime": {"2026-03-01T12:00:00Z"}, "aws:sourceip": {"127.0.0.1"}}
		_, err = judge([]document{doc}, question{action: "s3:x", resource: "*", facts: f})
		if u := (*unjudged)(nil); !errors.As(err, &u) || !strings.HasPrefix(err.Error(), "playground cannot judge this policy: ") {
			t.Errorf("%s: got %v, want an unjudged policy", condition, err)
		}
	}
}

func TestMalformedPolicies(t *testing.T) {
	t.Parallel()
	identity := []string{
		``, `{`, `[]`, `{} {}`, `{"Statement":[]}`, `{"Version":"2020-01-01","Statement":[]}`,
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Extra":1}}`,
		`{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`,
		`{"Statement":{"Effect":"Allow","Resource":"*"}}`,
		`{"Statement":{"Effect":"Allow","Action":"*"}}`,
		`{"Statement":{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}}`,
		`{"Statement":{"Effect":"Allow","Action":1,"Resource":"*"}}`,
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}`,
		`{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}`,
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a":null}}}}`,
	}
	for _, text := range identity {
		if _, err := parsePolicy(text, identityPolicy); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
	for _, text := range []string{
		`{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`,
		`{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"},"Resource":"*"}}`,
		`{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Who":"*"}}}`,
		`{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"me"}}`,
		`{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","NotPrincipal":{"AWS":"1"}}}`,
	} {
		if _, err := parsePolicy(text, trustPolicy); err == nil {
			t.Errorf("trust %s was taken", text)
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["a:*"],"Resource":"arn:aws:s3:::${aws:username}/*"}]}`)
	f.Add(`{"Statement":{"Effect":"Deny","NotAction":"x","NotResource":["*"],"Condition":{"ForAllValues:StringLike":{"aws:TagKeys":["a?",1,true]}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := parsePolicy(text, identityPolicy)
		if err != nil {
			return
		}
		q := question{action: "s3:GetObject", resource: "arn:aws:s3:::a/b", facts: facts{"aws:username": {"a"}, "aws:tagkeys": {"ab", "c"}}}
		found, err := judge([]document{doc}, q)
		again, err2 := judge([]document{doc, doc}, q)
		if found != again || (err == nil) != (err2 == nil) {
			t.Errorf("the same document twice: %v, %v and %v, %v", found, err, again, err2)
		}
	})
}

func FuzzPattern(f *testing.F) {
	f.Add("arn:aws:*", "arn:aws:s3:::b")
	f.Add("a*b?c", "axxbyc")
	f.Fuzz(func(t *testing.T, text, against string) {
		p, ok, err := expand(text, facts{}, false, true)
		if !ok || err != nil {
			t.Fatalf("%q: %v, %v", text, ok, err)
		}
		p.match(against)
		p.matchARN(against)
		if exact, _, _ := expand(against, facts{}, false, false); !exact.match(string(exact)) {
			t.Errorf("%q does not match itself", against)
		}
	})
}
