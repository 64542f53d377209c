//go:build unix

package cli

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"fob/internal/cred"
	"fob/internal/obtain/awsapi"
	"fob/internal/playground"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/rogpeppe/go-internal/testscript"
)

// cmdAs is `as USER`: from here on the key is that user's, and so is the phone.
func cmdAs(ts *testscript.TestScript, _ bool, args []string) {
	id, secret := ts.Value("aws").(localAWS).Key(args[0])
	become(ts, args[0], id, secret)
}

func become(ts *testscript.TestScript, user, id, secret string) {
	for name, value := range map[string]string{"KEY_ID": id, "KEY_SECRET": secret, "AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret, "TERM_USER": user} {
		ts.Setenv(name, value)
	}
}

// cmdNewcomer is `newcomer USER DEVICE POLICY GROUP...`: makes a user as an
// administrator does, by IAM's calls, so that either AWS can; from here on the key
// is theirs. DEVICE is the name of their MFA device, or -; POLICY is a file, or -.
func cmdNewcomer(ts *testscript.TestScript, _ bool, args []string) {
	server, ctx := ts.Value("aws").(localAWS), context.Background()
	api := administrator(ts, server)
	user, device, policy, groups := args[0], args[1], args[2], args[3:]
	_, err := api.CreateUser(ctx, &iam.CreateUserInput{UserName: &user})
	ts.Check(err)
	for _, g := range groups {
		_, err := api.AddUserToGroup(ctx, &iam.AddUserToGroupInput{UserName: &user, GroupName: &g})
		ts.Check(err)
	}
	if policy != "-" {
		_, err := api.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &user, PolicyName: aws.String("own"), PolicyDocument: aws.String(ts.ReadFile(policy))})
		ts.Check(err)
	}
	key, err := api.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &user})
	ts.Check(err)
	seed := ""
	if device != "-" {
		made, err := api.CreateVirtualMFADevice(ctx, &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: &device})
		ts.Check(err)
		seed = string(made.VirtualMFADevice.Base32StringSeed)
		now := time.Now()
		_, err = api.EnableMFADevice(ctx, &iam.EnableMFADeviceInput{
			UserName: &user, SerialNumber: made.VirtualMFADevice.SerialNumber,
			AuthenticationCode1: aws.String(playground.Code(cred.NewSecret(seed), now.Add(-30*time.Second))),
			AuthenticationCode2: aws.String(playground.Code(cred.NewSecret(seed), now)),
		})
		ts.Check(err)
	}
	id, secret := *key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey
	if moto, ok := server.(*strictMoto); ok {
		moto.users[user] = motoUser{ID: id, Secret: secret, Seed: seed}
	}
	become(ts, user, id, secret)
}

// cmdNewRole is `newrole ACCOUNT NAME TRUST RIGHTS`: an administrator makes a role
// in another account, by IAM's calls too. ACCOUNT is an id; TRUST and RIGHTS are
// files.
func cmdNewRole(ts *testscript.TestScript, _ bool, args []string) {
	server, ctx := ts.Value("aws").(localAWS), context.Background()
	administrator(ts, server)
	jane := ts.Value("administrator").(*cred.Session)
	client := awsapi.New(awsapi.Config{Region: "us-east-1", URL: server.Endpoint(), Clock: awsapi.NewClock(time.Now)}, jane.Signer())
	there, err := client.AssumeRole(ctx, awsapi.AssumeRoleCall{
		RoleARN: "arn:aws:iam::" + args[0] + ":role/allow-full-access-from-other-accounts", SessionName: "jane", Lifetime: time.Hour,
	})
	ts.Check(err)
	api := iamAs(server, &there.Session)
	_, err = api.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &args[1], AssumeRolePolicyDocument: aws.String(ts.ReadFile(args[2]))})
	ts.Check(err)
	_, err = api.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &args[1], PolicyName: aws.String("rights"), PolicyDocument: aws.String(ts.ReadFile(args[3]))})
	ts.Check(err)
}

// administrator calls IAM as jane, who may do everything with MFA. One session of
// hers serves a whole script: her codes are few.
func administrator(ts *testscript.TestScript, server localAWS) *iam.Client {
	kept := ts.Value("administrator").(*cred.Session)
	if kept.ID == "" {
		const jane = "jane@acme.com"
		id, secret := server.Key(jane)
		client := awsapi.New(awsapi.Config{Region: "us-east-1", URL: server.Endpoint(), Clock: awsapi.NewClock(time.Now)}, cred.Signer{ID: id, Secret: cred.NewSecret(secret)})
		made, err := client.GetSessionToken(context.Background(), awsapi.SessionTokenCall{
			Lifetime: time.Hour, Serial: "arn:aws:iam::123456789012:mfa/" + jane, Code: nextCode(ts, server, jane),
		})
		ts.Check(err)
		*kept = made.Session
	}
	return iamAs(server, kept)
}

func iamAs(server localAWS, who *cred.Session) *iam.Client {
	client, err := awsapi.HTTPClient("", 0) // the SDK's own loses answers that are fast, and asks again
	if err != nil {
		panic(err) // there is no bundle to read
	}
	return iam.New(iam.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.Endpoint()), HTTPClient: client,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: who.ID, SecretAccessKey: who.Secret.Reveal(), SessionToken: who.Token.Reveal()}, nil
		}),
	})
}

func nextCode(ts *testscript.TestScript, server localAWS, user string) string {
	resp, err := http.Post(server.CodesAt()+"/playground/code", "text/plain", strings.NewReader(user))
	ts.Check(err)
	defer resp.Body.Close()
	var out struct {
		Code string `json:"code"`
		Wait float64
	}
	ts.Check(json.NewDecoder(resp.Body).Decode(&out))
	return out.Code
}
