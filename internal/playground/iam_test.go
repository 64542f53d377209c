package playground

import (
	"bytes"
	"image/png"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"fob/internal/cred"
)

func TestKeyRotation(t *testing.T) {
	t.Parallel()
	s := start(t)
	old := userKeys(t, s, "carol")
	made, err := old.iam(s).CreateAccessKey(t.Context(), nil)
	want(t, "create", err, "")
	fresh := keys{id: *made.AccessKey.AccessKeyId, secret: *made.AccessKey.SecretAccessKey}
	_, err = old.iam(s).CreateAccessKey(t.Context(), nil)
	want(t, "a third", err, "LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2")
	_, err = fresh.iam(s).UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{AccessKeyId: &old.id, Status: types.StatusTypeInactive})
	want(t, "disable the old one", err, "")
	_, err = old.sts(s).GetCallerIdentity(t.Context(), nil)
	want(t, "the old one", err, "InvalidClientTokenId")
	list, err := fresh.iam(s).ListAccessKeys(t.Context(), nil)
	want(t, "list", err, "")
	got := map[string]string{}
	for _, k := range list.AccessKeyMetadata {
		got[*k.AccessKeyId] = string(k.Status)
	}
	if d := cmp.Diff(map[string]string{old.id: "Inactive", fresh.id: "Active"}, got); d != "" {
		t.Error(d)
	}
	_, err = fresh.iam(s).DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{AccessKeyId: &old.id})
	want(t, "delete the old one", err, "")
	_, err = fresh.iam(s).DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{AccessKeyId: &old.id})
	want(t, "delete it again", err, "NoSuchEntity: The Access Key with id "+old.id+" cannot be found.")
	used, err := fresh.iam(s).GetAccessKeyLastUsed(t.Context(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: &fresh.id})
	want(t, "last used", err, "")
	if *used.UserName != "carol" || *used.AccessKeyLastUsed.ServiceName != "iam" || *used.AccessKeyLastUsed.Region != Region {
		t.Errorf("got %s, %+v", *used.UserName, used.AccessKeyLastUsed)
	}
	_, err = fresh.iam(s).CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: aws.String("gruntwork")})
	want(t, "for another", err, "AccessDenied: User: arn:aws:iam::123456789012:user/carol is not authorized to perform: iam:CreateAccessKey on resource: arn:aws:iam::123456789012:user/gruntwork because no identity-based policy allows the iam:CreateAccessKey action")
}

func TestNewKeyDelay(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.NewKeyDelay(10 * time.Second)
	made, err := userKeys(t, s, "carol").iam(s).CreateAccessKey(t.Context(), nil)
	want(t, "create", err, "")
	k := keys{id: *made.AccessKey.AccessKeyId, secret: *made.AccessKey.SecretAccessKey}
	_, err = k.sts(s).GetCallerIdentity(t.Context(), nil)
	want(t, "at once", err, "InvalidClientTokenId")
	s.Advance(11 * time.Second)
	_, err = k.sts(s).GetCallerIdentity(t.Context(), nil)
	want(t, "later", err, "")
}

func TestMFAEnrolment(t *testing.T) {
	t.Parallel()
	s := start(t)
	client := userKeys(t, s, "carol").iam(s)
	_, err := client.CreateVirtualMFADevice(t.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("phone")})
	want(t, "a device of another name", err, "AccessDenied: User: arn:aws:iam::123456789012:user/carol is not authorized to perform: iam:CreateVirtualMFADevice on resource: arn:aws:iam::123456789012:mfa/phone because")
	made, err := client.CreateVirtualMFADevice(t.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("carol")})
	want(t, "create", err, "")
	if _, err := png.Decode(bytes.NewReader(made.VirtualMFADevice.QRCodePNG)); err != nil {
		t.Error(err)
	}
	_, err = client.CreateVirtualMFADevice(t.Context(), &iam.CreateVirtualMFADeviceInput{VirtualMFADeviceName: aws.String("carol")})
	want(t, "create again", err, "EntityAlreadyExists")
	seed := cred.NewSecret(string(made.VirtualMFADevice.Base32StringSeed))
	first, second := Code(seed, s.Now().Add(-30*time.Second)), Code(seed, s.Now())
	enable := func(one, two string) error {
		_, err := client.EnableMFADevice(t.Context(), &iam.EnableMFADeviceInput{UserName: aws.String("carol"),
			SerialNumber: made.VirtualMFADevice.SerialNumber, AuthenticationCode1: &one, AuthenticationCode2: &two})
		return err
	}
	const invalidCode = "InvalidAuthenticationCode: Authentication code for device is not valid."
	want(t, "the same code twice", enable(second, second), invalidCode)
	want(t, "the wrong way round", enable(second, first), invalidCode)
	want(t, "two in a row", enable(first, second), "")
	want(t, "once more", enable(first, second), "EntityAlreadyExists: MFA Device is already in use.")
	list, err := client.ListMFADevices(t.Context(), nil)
	want(t, "list", err, "")
	if len(list.MFADevices) != 1 || *list.MFADevices[0].SerialNumber != "arn:aws:iam::123456789012:mfa/carol" {
		t.Errorf("got %+v", list.MFADevices)
	}
	_, err = client.DeleteVirtualMFADevice(t.Context(), &iam.DeleteVirtualMFADeviceInput{SerialNumber: made.VirtualMFADevice.SerialNumber})
	want(t, "delete while in use", err, "DeleteConflict")
	off := &iam.DeactivateMFADeviceInput{UserName: aws.String("carol"), SerialNumber: made.VirtualMFADevice.SerialNumber}
	_, err = client.DeactivateMFADevice(t.Context(), off)
	want(t, "deactivate without MFA", err, "AccessDenied")
	_, err = userSession(t, s, "carol", true).iam(s).DeactivateMFADevice(t.Context(), off)
	want(t, "deactivate with MFA", err, "")
	_, err = client.DeleteVirtualMFADevice(t.Context(), &iam.DeleteVirtualMFADeviceInput{SerialNumber: made.VirtualMFADevice.SerialNumber})
	want(t, "delete", err, "")
	all, err := client.ListVirtualMFADevices(t.Context(), &iam.ListVirtualMFADevicesInput{AssignmentStatus: types.AssignmentStatusTypeAssigned})
	want(t, "list all", err, "")
	if len(all.VirtualMFADevices) != 4 {
		t.Errorf("got %d devices, want 4", len(all.VirtualMFADevices))
	}
}

// An administrator does what the IAM page of the console does.
func TestAdministration(t *testing.T) {
	t.Parallel()
	s := start(t)
	client := userSession(t, s, "gruntwork", true).iam(s)
	name, inline := aws.String("dora"), aws.String(policyText(allow("*", "s3:ListAllMyBuckets")))
	_, err := client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: name})
	want(t, "create", err, "")
	_, err = client.CreateUser(t.Context(), &iam.CreateUserInput{UserName: name})
	want(t, "create again", err, "EntityAlreadyExists: User with name dora already exists.")
	_, err = client.AddUserToGroup(t.Context(), &iam.AddUserToGroupInput{UserName: name, GroupName: aws.String("_all-accounts")})
	want(t, "join", err, "")
	_, err = client.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("p"), PolicyDocument: inline})
	want(t, "put", err, "")
	_, err = client.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("p"), PolicyDocument: aws.String("{}")})
	want(t, "put nonsense", err, "MalformedPolicyDocument")
	shown, err := client.GetUserPolicy(t.Context(), &iam.GetUserPolicyInput{UserName: name, PolicyName: aws.String("p")})
	want(t, "show", err, "")
	if text, _ := url.QueryUnescape(*shown.PolicyDocument); text != *inline {
		t.Errorf("got %s", text)
	}
	admin := aws.String("arn:aws:iam::aws:policy/AdministratorAccess")
	_, err = client.AttachUserPolicy(t.Context(), &iam.AttachUserPolicyInput{UserName: name, PolicyArn: admin})
	want(t, "attach", err, "")
	attached, err := client.ListAttachedUserPolicies(t.Context(), &iam.ListAttachedUserPoliciesInput{UserName: name})
	want(t, "attached", err, "")
	if len(attached.AttachedPolicies) != 1 || *attached.AttachedPolicies[0].PolicyName != "AdministratorAccess" {
		t.Errorf("got %+v", attached.AttachedPolicies)
	}
	groups, err := client.ListGroupsForUser(t.Context(), &iam.ListGroupsForUserInput{UserName: name})
	want(t, "groups", err, "")
	if len(groups.Groups) != 1 || *groups.Groups[0].GroupName != "_all-accounts" {
		t.Errorf("got %+v", groups.Groups)
	}
	_, err = client.DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: name})
	want(t, "delete too early", err, "DeleteConflict: Cannot delete entity, must remove users from group first.")
	_, err = client.RemoveUserFromGroup(t.Context(), &iam.RemoveUserFromGroupInput{UserName: name, GroupName: aws.String("_all-accounts")})
	want(t, "leave", err, "")
	_, err = client.DetachUserPolicy(t.Context(), &iam.DetachUserPolicyInput{UserName: name, PolicyArn: admin})
	want(t, "detach", err, "")
	_, err = client.DeleteUserPolicy(t.Context(), &iam.DeleteUserPolicyInput{UserName: name, PolicyName: aws.String("p")})
	want(t, "delete the policy", err, "")
	_, err = client.DeleteUser(t.Context(), &iam.DeleteUserInput{UserName: name})
	want(t, "delete", err, "")
	_, err = client.GetUser(t.Context(), &iam.GetUserInput{UserName: name})
	want(t, "gone", err, "NoSuchEntity: The user with name dora cannot be found.")
}

func TestRoles(t *testing.T) {
	t.Parallel()
	s := start(t)
	client := userSession(t, s, "gruntwork", true).iam(s)
	name := aws.String("ops")
	create := func(trust string, longest int32) error {
		_, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: &trust, MaxSessionDuration: &longest})
		return err
	}
	nobody := statement{Effect: "Allow", Principal: map[string]any{"AWS": "arn:aws:iam::123456789012:user/nobody"}, Action: "sts:AssumeRole"}
	want(t, "a principal that is not there", create(policyText(nobody), 3600), `MalformedPolicyDocument: Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:user/nobody"`)
	want(t, "too long", create(policyText(trustOf("123456789012")), 43201), "ValidationError")
	want(t, "create", create(policyText(trustOf("123456789012")), 7200), "")
	_, err := client.UpdateRole(t.Context(), &iam.UpdateRoleInput{RoleName: name, MaxSessionDuration: aws.Int32(3600)})
	want(t, "update", err, "")
	_, err = client.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: aws.String(policyText(trustOf("345678901234")))})
	want(t, "trust", err, "")
	role, err := client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: name})
	want(t, "show", err, "")
	if *role.Role.MaxSessionDuration != 3600 || *role.Role.Arn != "arn:aws:iam::123456789012:role/ops" {
		t.Errorf("got %+v", role.Role)
	}
	pages := iam.NewListRolesPaginator(client, &iam.ListRolesInput{MaxItems: aws.Int32(1)})
	var names []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, *page.Roles[0].RoleName)
	}
	if d := cmp.Diff([]string{deployRole, sshGruntRole, "ops"}, names); d != "" {
		t.Error(d)
	}
	_, err = client.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: name})
	want(t, "delete", err, "")
	_, err = client.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: name})
	want(t, "delete again", err, "NoSuchEntity: The role with name ops cannot be found.")
}
