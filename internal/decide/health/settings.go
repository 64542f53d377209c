package health

import (
	"slices"
	"strings"

	"fob/internal/decide/profile"
)

// misspelt is the setting that key may be a slip of, "" where it is one or like
// none. Whatever is like none may be of a tool that is newer than this list.
func misspelt(key string) string {
	known := knownSettings()
	if slices.Contains(known, key) {
		return ""
	}
	for _, near := range profile.Near(key, known) {
		// A name that is a part of another is no slip: s3, region_x.
		if len(key) > 4 && !strings.Contains(near, key) && !strings.Contains(key, near) || strings.TrimSuffix(key, "s") == near || key+"s" == near {
			return near
		}
	}
	return ""
}

// knownSettings are those of fob, aws-vault, the AWS CLI and the SDKs
// (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html,
// https://docs.aws.amazon.com/cli/latest/topic/config-vars.html, 2026-11).
func knownSettings() []string {
	return []string{
		"account_id", "account_id_endpoint_mode", "api_versions", "auth_scheme_preference", "aws_access_key_id", "aws_account_id", "aws_secret_access_key",
		"aws_security_token", "aws_session_token", "ca_bundle", "chained_session_token_ttl", "cli_auto_prompt", "cli_binary_format", "cli_error_format",
		"cli_follow_urlparam", "cli_help_output", "cli_history", "cli_pager", "cli_timestamp_format", "credential_process", "credential_source",
		"csm_client_id", "csm_enabled", "csm_host", "csm_port", "defaults_mode", "disable_request_compression", "duration_seconds", "ec2_metadata_service_endpoint",
		"ec2_metadata_service_endpoint_mode", "ec2_metadata_v1_disabled", "endpoint_discovery_enabled", "endpoint_url", "external_id", "fob_agent", "fob_agent_session_name", "fob_directory", "fob_guard", "fob_policy",
		"ignore_configured_endpoint_urls", "imds_connection_timeout", "include_profile", "login_session", "max_attempts", "metadata_service_num_attempts",
		"metadata_service_timeout", "mfa_process", "mfa_serial", "output", "parameter_validation", "region", "request_checksum_calculation",
		"request_min_compression_size_bytes", "response_checksum_validation", "retry_mode", "role_arn", "role_session_name", "s3", "s3_disable_express_session_auth",
		"s3_disable_multiregion_access_points", "s3_use_arn_region", "s3api", "sdk_ua_app_id", "services", "session_tags", "sigv4a_signing_region_set",
		"source_identity", "source_profile", "sso_account_id", "sso_account_name", "sso_auto_populated", "sso_region", "sso_registration_scopes",
		"sso_role_name", "sso_session", "sso_start_url", "sts_regional_endpoints", "tcp_keepalive", "transitive_session_tags", "use_dualstack_endpoint",
		"use_fips_endpoint", "use_ssl", "user_agent_appid", "user_agent_extra", "web_identity_token_file", "web_identity_token_process", "session_policy", "granted_sso_account_id",
		"granted_sso_region", "granted_sso_role_name", "granted_sso_start_url", "granted_color", "color",
	}
}
