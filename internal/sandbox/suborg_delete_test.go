package sandbox

import (
	"bytes"
	"reflect"
	"strconv"
	"testing"

	bolt "go.etcd.io/bbolt"
)

func TestASubOrganizationDeletesItselfWithEverything(t *testing.T) {
	dir := t.TempDir()
	b := newBox(t, Options{StateDir: dir})
	other := b.logIn("other@doe.test")
	jane := b.logIn("jane@doe.test")
	made := jane.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{ethereum(0)}}).result("createWalletResult")
	bob := jane.hire("Bob", m{"userEmail": "bob@doe.test"})
	jane.submit("CREATE_USER_TAG", m{"userTagName": "t", "userIds": []string{bob.user}}).result("createUserTagResult")
	jane.submit("CREATE_PRIVATE_KEYS_V2", m{"privateKeys": []m{{"privateKeyName": "k", "curve": "CURVE_P256", "privateKeyTags": []string{}, "addressFormats": []string{}}}}).
		result("createPrivateKeysResultV2")
	jane.submit("INIT_IMPORT_WALLET", m{"userId": jane.user}).result("initImportWalletResult")
	jane.submit("CREATE_POLICY_V3", m{"policyName": "p", "effect": "EFFECT_ALLOW", "notes": ""}).result("createPolicyResult")
	jane.submit("CREATE_MFA_POLICY", m{"userId": bob.user, "mfaPolicyName": "p", "condition": "true", "order": 1,
		"requiredAuthenticationMethods": []m{{"any": []m{{"type": "AUTHENTICATION_TYPE_API_KEY"}}}}}).result("createMfaPolicyResult")
	pending, _ := b.root.in(jane.org).initOTP("jane@doe.test")
	s := b.state.Load()
	s.mu.Lock()
	s.commit([]record{&held{mustID(t, nowhere), mustID(t, jane.org), "x"}}) // a pending activity
	s.mu.Unlock()
	last := b.logIn("last@doe.test") // made after Jane's, so that places move

	b.root.submit("DELETE_SUB_ORGANIZATION", m{"deleteWithoutExport": true}).refused(400, "INVALID_ACTIVITY_CALLER", "sub-organization")
	jane.submit("DELETE_SUB_ORGANIZATION", m{}).refused(400, "REQUEST_INVALID", "wallet has not been exported")
	jane.submit("EXPORT_WALLET", m{"walletId": made.text("walletId"), "targetPublicKey": newKey().PublicKey()})
	jane.submit("DELETE_SUB_ORGANIZATION", m{"deleteWithoutExport": false}).refused(400, "REQUEST_INVALID", "has not been exported")
	jane.query("whoami", nil).ok()

	done := jane.submit("DELETE_SUB_ORGANIZATION", m{"deleteWithoutExport": true})
	if got := done.result("deleteSubOrganizationResult").text("subOrganizationUuid"); got != jane.org {
		t.Errorf("deleted %s", got)
	}
	gone := func(b *box) {
		t.Helper()
		root := b.root
		for _, w := range []*who{jane, bob} {
			w := &who{box: b, org: jane.org, user: w.user, key: w.key}
			w.query("whoami", nil).refused(404, "ORGANIZATION_NOT_FOUND", "no organization found")
			w.in(root.org).query("whoami", nil).refused(401, "PUBLIC_KEY_NOT_FOUND", "could not find public key")
		}
		root.in(jane.org).query("list_wallets", nil).refused(404, "ORGANIZATION_NOT_FOUND", "no organization found")
		all := root.query("list_suborgs", nil).ok().at("organizationIds").([]any)
		if len(all) != 2 || all[0] != other.org || all[1] != last.org {
			t.Errorf("sub-organizations %v", all)
		}
		for kind, value := range map[string]string{"EMAIL": "bob@doe.test", "NAME": "of jane@doe.test", "PUBLIC_KEY": jane.key.PublicKey(), "WALLET_ACCOUNT_ADDRESS": made.text("addresses", "0")} {
			if got := root.query("list_suborgs", m{"filterType": kind, "filterValue": value}).ok().at("organizationIds").([]any); len(got) != 0 {
				t.Errorf("found by %s: %v", kind, got)
			}
		}
		for _, w := range []*who{other, last} {
			(&who{box: b, org: w.org, key: w.key}).query("whoami", nil).ok()
		}
	}
	gone(b)
	b.root.submit("VERIFY_OTP_V2", m{"otpId": pending, "encryptedOtpBundle": "x"}).refused(404, "REQUEST_INVALID", "no OTP found")
	b.time.advance(1 << 40)
	for i := range 5 { // each forgets two old codes, of which Jane's is none any more
		b.root.initOTP(strconv.Itoa(i) + "@doe.test")
	}
	b.time.advance(-1 << 40)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	again := newBox(t, Options{StateDir: dir, Now: b.time.now})
	again.time = b.time
	gone(again)

	// Nothing on disk is of the organization but what happened there, and messages that were sent.
	err := again.disk.db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, bucket *bolt.Bucket) error {
			switch string(name) {
			case bucketActivity, bucketPrint, bucketMessage:
				return nil
			}
			return bucket.ForEach(func(_, value []byte) error {
				if bytes.Contains(value, []byte(jane.org)) {
					t.Errorf("%s: %s", name, value)
				}
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestASubOrganizationIsDeletedByItsRootUsers(t *testing.T) {
	b := newBox(t, Options{})
	team := b.team(2, 2)
	b.root.in(team[0].org).submit("DELETE_SUB_ORGANIZATION", m{"deleteWithoutExport": true}).refused(400, "ORGANIZATION_MISMATCH", "organization mismatch")
	asked := team[0].submit("DELETE_SUB_ORGANIZATION", m{}).ok()
	if got := asked.text("activity", "status"); got != "ACTIVITY_STATUS_CONSENSUS_NEEDED" {
		t.Errorf("one of two alone: %s", got)
	}
	// The answer to the last vote arrives although the voter is no more.
	team[1].submit("APPROVE_ACTIVITY", m{"fingerprint": asked.text("activity", "fingerprint")}).result("deleteSubOrganizationResult")
	team[0].query("whoami", nil).refused(404, "ORGANIZATION_NOT_FOUND", "no organization found")
}

// No policy lets anybody else delete the sub-organization.
func TestNoPolicyDeletesASubOrganization(t *testing.T) {
	b := newBox(t, Options{})
	jane := b.logIn("jane@doe.test")
	bob := jane.hire("Bob", nil)
	jane.submit("CREATE_POLICY_V3", m{"policyName": "p", "effect": "EFFECT_ALLOW", "consensus": "approvers.any(user, user.id == '" + bob.user + "')", "notes": ""}).
		result("createPolicyResult")
	bob.submit("CREATE_WALLET", m{"walletName": "w", "accounts": []m{}}).result("createWalletResult")
	bob.submit("DELETE_SUB_ORGANIZATION", m{"deleteWithoutExport": true}).refused(400, "REQUEST_INVALID", "by one of its root users")
	bob.submit("UPDATE_ROOT_QUORUM", m{"threshold": 1, "userIds": []string{bob.user}}).denied()
	bob.submit("UPDATE_ORGANIZATION_NAME", m{"organizationName": "x"}).denied()
}

// Whatever an organization can have on its shelves can be taken away with it.
func TestEveryKindOfRecordCanGo(t *testing.T) {
	can := reflect.TypeFor[removable]()
	for field := range reflect.TypeFor[shelves]().Fields() {
		all, ok := field.Type.FieldByName("all")
		if !ok || !all.Type.Elem().Implements(can) {
			t.Errorf("%s cannot be taken away", field.Name)
		}
	}
}
