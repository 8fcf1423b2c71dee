package emulator

import (
	"time"

	"inkwell/clerk"
)

// A dict is an object of Clerk's JSON. Times in it are Unix milliseconds.
type dict = map[string]any

// userJSON returns Clerk's user object, with every member that webhooks and the
// Backend API have.
func userJSON(u clerk.User) dict {
	created, updated := u.CreatedAt.UnixMilli(), u.UpdatedAt.UnixMilli()
	user := dict{
		"object": "user", "id": u.ID, "external_id": nil,
		"username": u.Username, "first_name": u.FirstName, "last_name": u.LastName, "locale": nil, "timezone": nil,
		"image_url": u.ImageURL, "has_image": u.ImageURL != "",
		"primary_email_address_id": nil, "primary_phone_number_id": nil, "primary_web3_wallet_id": nil,
		"email_addresses": []any{}, "phone_numbers": []any{}, "web3_wallets": []any{}, "passkeys": []any{},
		"external_accounts": []any{}, "saml_accounts": []any{}, "enterprise_accounts": []any{},
		"public_metadata": dict{"role": u.Role}, "private_metadata": dict{}, "unsafe_metadata": dict{},
		"password_enabled": false, "two_factor_enabled": false, "totp_enabled": false, "backup_code_enabled": false,
		"password_last_updated_at": nil, "mfa_enabled_at": nil, "mfa_disabled_at": nil, "legal_accepted_at": nil,
		"banned": u.Banned, "locked": u.Locked, "deprovisioned": u.Deprovisioned, "scim": nil,
		"lockout_expires_in_seconds": nil, "verification_attempts_remaining": 100,
		"delete_self_enabled": true, "create_organization_enabled": false, "create_organizations_limit": nil,
		"last_sign_in_at": nil, "last_active_at": nil, "created_at": created, "updated_at": updated,
	}
	if u.Email != nil {
		address := emailJSON(u)
		user["email_addresses"], user["primary_email_address_id"] = []any{address}, address["id"]
	}
	return user
}

func emailJSON(u clerk.User) dict {
	status := "unverified"
	if u.EmailVerified {
		status = "verified"
	}
	created := u.CreatedAt.UnixMilli()
	return dict{
		"object": "email_address", "id": "idn_" + u.ID, "email_address": *u.Email, "reserved": false, "linked_to": []any{},
		"verification": dict{"object": "verification_otp", "status": status, "strategy": "email_code", "attempts": 1, "expire_at": nil},
		"created_at":   created, "updated_at": created,
	}
}

// sessionJSON returns a session as its browser sees it. Token is a session
// token; empty for one that is not to be used any more.
func sessionJSON(s session, u clerk.User, status, token string, now time.Time) dict {
	created := s.CreatedAt.UnixMilli()
	one := dict{
		"object": "session", "id": s.ID, "user_id": s.UserID, "status": status, "actor": nil, "tasks": nil,
		"last_active_organization_id": nil, "last_active_at": now.UnixMilli(),
		"expire_at": s.CreatedAt.Add(sessionLifetime).UnixMilli(), "abandon_at": s.CreatedAt.Add(30 * 24 * time.Hour).UnixMilli(),
		"factor_verification_age": factorAge(s, now),
		"user":                    userJSON(u),
		"public_user_data": dict{
			"first_name": u.FirstName, "last_name": u.LastName, "image_url": u.ImageURL, "has_image": u.ImageURL != "",
			"identifier": u.Email, "user_id": u.ID,
		},
		"last_active_token": nil, "created_at": created, "updated_at": created,
	}
	if token != "" {
		one["last_active_token"] = dict{"object": "token", "jwt": token}
	}
	return one
}

// clientJSON returns what a browser knows of itself: the session it has, if any.
func clientJSON(browser string, sessions []any, lastActive any, since time.Time) dict {
	at := since.UnixMilli()
	return dict{
		"object": "client", "id": "client_" + browser, "sessions": sessions, "sign_in": nil, "sign_up": nil,
		"last_active_session_id": lastActive, "cookie_expires_at": nil, "captcha_bypass": true,
		"created_at": at, "updated_at": at,
	}
}
