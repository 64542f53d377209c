package playground

import (
	"encoding/json"
	"net/http"
	"strings"
)

// jsonOperation is one action of a service that speaks AWS's JSON protocol. There
// are a few of them, each for what a session policy is to keep back or let by.
type jsonOperation struct {
	resource func(c *call, in jsonInput) string
	run      func(a *account, in jsonInput) (any, error)
}

// jsonInput holds the parameters of all of them.
type jsonInput struct {
	SecretID, Name                 string
	CiphertextBlob, KeyID          string
	TableName, ConditionExpression string
	Item, Key                      map[string]map[string]string
	TaskDefinition                 string
	Overrides                      struct{ TaskRoleARN string }
}

func jsonOperations() map[string]jsonOperation {
	return map[string]jsonOperation{
		"secretsmanager:GetSecretValue": {resource: secretARN, run: secretValue},
		"ssm:GetParameter":              {resource: parameterARN, run: parameter},
		"kms:Decrypt":                   {resource: keyARN, run: decrypted},
		"dynamodb:GetItem":              {resource: tableARN, run: getItem},
		"dynamodb:PutItem":              {resource: tableARN, run: putItem},
		"dynamodb:DeleteItem":           {resource: tableARN, run: deleteItem},
		"ecs:RunTask":                   {resource: taskARN, run: runTask},
	}
}

// jsonService answers one of them, after its signature was right.
func (s *Server) jsonService(c *call) (answer, error) {
	out, err := s.jsonDo(c)
	if err != nil {
		r := jsonRefusal(asRefusal(err))
		return c.refused(r), r
	}
	body, err := json.Marshal(out)
	return answer{status: http.StatusOK, body: body, header: http.Header{
		"Content-Type": {c.req.Header.Get("Content-Type")}, "X-Amzn-Requestid": {c.requestID}}}, err
}

func (s *Server) jsonDo(c *call) (any, error) {
	if err := s.authenticate(c); err != nil {
		return nil, err
	}
	o, ok := jsonOperations()[c.name()]
	if !ok {
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the playground does not hold %s", c.name())
	}
	var in jsonInput
	if json.Unmarshal(c.body, &in) != nil {
		return nil, refuse(http.StatusBadRequest, "SerializationException", "")
	}
	c.resource = o.resource(c, in)
	if err := s.authorize(c); err != nil {
		return nil, err
	}
	if err := s.mayPass(c, in.Overrides.TaskRoleARN); err != nil {
		return nil, err
	}
	return o.run(c.id.account, in)
}

// mayPass asks the caller's policies about iam:PassRole, where a call names the
// role that something is to run as.
func (s *Server) mayPass(c *call, role string) error {
	if role == "" {
		return nil
	}
	q := c.question("iam:PassRole", role, s.now())
	found, err := judge(c.id.documents(), q)
	if err == nil && found == allowed {
		return c.sessionPoliciesAllow(q)
	}
	if err == nil {
		err = accessDenied("User: %s is not authorized to perform: iam:PassRole on resource: %s", c.id.arn, role)
	}
	return err
}

func taskARN(c *call, in jsonInput) string { return c.arnOf("task-definition/" + in.TaskDefinition) }

// runTask starts nothing.
func runTask(*account, jsonInput) (any, error) { return map[string]any{"tasks": []any{}}, nil }

// jsonRefusal gives a refusal the code and the status that these services have
// for it.
func jsonRefusal(r *refusal) *refusal {
	code := map[string]string{"AccessDenied": "AccessDeniedException", "ExpiredToken": "ExpiredTokenException",
		"InvalidClientTokenId": "UnrecognizedClientException", "SignatureDoesNotMatch": "InvalidSignatureException"}[r.code]
	if code == "" {
		return r
	}
	return refuse(http.StatusBadRequest, code, "%s", r.message)
}

// arnOf is the ARN of what is in the caller's account and the region of the call.
func (c *call) arnOf(rest string) string {
	return "arn:aws:" + c.service + ":" + c.region + ":" + c.id.account.ID + ":" + rest
}

func secretARN(c *call, in jsonInput) string {
	if strings.HasPrefix(in.SecretID, "arn:") {
		return in.SecretID
	}
	return c.arnOf("secret:" + in.SecretID + "-Ab12Cd")
}

func secretValue(_ *account, in jsonInput) (any, error) {
	return map[string]string{"Name": in.SecretID, "SecretString": "CANARY of " + in.SecretID}, nil
}

// parameterARN is without an account for the parameters that AWS publishes.
func parameterARN(c *call, in jsonInput) string {
	if strings.HasPrefix(in.Name, "/aws/service/") {
		return "arn:aws:ssm:" + c.region + "::parameter" + in.Name
	}
	return c.arnOf("parameter/" + strings.TrimPrefix(in.Name, "/"))
}

func parameter(_ *account, in jsonInput) (any, error) {
	return map[string]any{"Parameter": map[string]any{"Name": in.Name, "Type": "String", "Value": "ami-0", "Version": 1}}, nil
}

func keyARN(c *call, _ jsonInput) string { return c.arnOf("key/1234abcd-12ab-34cd-56ef-1234567890ab") }

func decrypted(_ *account, in jsonInput) (any, error) {
	return map[string]string{"KeyId": in.KeyID, "Plaintext": in.CiphertextBlob}, nil
}

func tableARN(c *call, in jsonInput) string { return c.arnOf("table/" + in.TableName) }

// lockID is the one key that the tables here have, as Terraform's do.
func (in jsonInput) lockID() string {
	if in.Item != nil {
		return in.TableName + " " + in.Item["LockID"]["S"]
	}
	return in.TableName + " " + in.Key["LockID"]["S"]
}

func getItem(a *account, in jsonInput) (any, error) {
	if item, ok := a.items[in.lockID()]; ok {
		return map[string]any{"Item": item}, nil
	}
	return struct{}{}, nil
}

// putItem holds the one condition that Terraform's lock stands on.
func putItem(a *account, in jsonInput) (any, error) {
	_, there := a.items[in.lockID()]
	switch {
	case in.ConditionExpression != "" && in.ConditionExpression != "attribute_not_exists(LockID)":
		return nil, refuse(http.StatusNotImplemented, "NotImplemented", "the playground does not read this ConditionExpression")
	case in.ConditionExpression != "" && there:
		return nil, refuse(http.StatusBadRequest, "ConditionalCheckFailedException", "The conditional request failed")
	}
	a.items[in.lockID()] = in.Item
	return struct{}{}, nil
}

func deleteItem(a *account, in jsonInput) (any, error) {
	delete(a.items, in.lockID())
	return struct{}{}, nil
}
