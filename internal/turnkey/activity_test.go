package turnkey

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/fault"
)

func TestEnvelopeIsInTheOrderOfTheTypeScriptClient(t *testing.T) {
	c, s := newClient(t, activity(Completed, `"result":{"stampLoginResult":{"session":"jwt"}}`))
	c.Now = at(time.UnixMilli(1767225600000))
	got, err := c.StampLogin(t.Context(), "org-1", LoginParams{PublicKey: "02ab", ExpirationSeconds: 900})
	if err != nil || got != "jwt" {
		t.Fatalf("%q, %v", got, err)
	}
	want := `{"parameters":{"publicKey":"02ab","expirationSeconds":"900"},"organizationId":"org-1","timestampMs":"1767225600000","generateAppProofs":false,"type":"ACTIVITY_TYPE_STAMP_LOGIN"}`
	if s.sent[0].body != want || s.sent[0].path != "/public/v1/submit/stamp_login" {
		t.Errorf("sent %s to %s\nwant %s", s.sent[0].body, s.sent[0].path, want)
	}
}

func TestEveryStatusHasItsEnd(t *testing.T) {
	wrongCode := `"failure":{"code":3,"message":"Invalid OTP code","details":[]}`
	for _, c := range []struct {
		name  string
		steps []step
		want  fault.Code // "" is success
		sent  int
	}{
		{"completed", []step{activity(Completed, `"result":{"r":{"x":"1"}}`)}, "", 1},
		{"created, pending, completed", []step{activity(Created, ""), activity(Pending, ""), activity(Completed, `"result":{"r":{"x":"1"}}`)}, "", 3},
		{"failed", []step{activity(Failed, `"failure":{"code":13,"message":"boom"}`)}, fault.ActivityFailed, 1},
		{"failed without a reason", []step{activity(Failed, "")}, fault.ActivityFailed, 1},
		{"failed for a wrong code", []step{activity(Failed, wrongCode)}, fault.OTPWrong, 1},
		{"pending, then failed", []step{activity(Pending, ""), activity(Failed, "")}, fault.ActivityFailed, 2},
		{"rejected", []step{activity(Rejected, "")}, fault.ActivityRejected, 1},
		{"consensus needed", []step{activity(ConsensusNeeded, "")}, fault.ActivityPending, 1},
		{"authenticators needed", []step{activity(AuthenticatorsNeeded, "")}, fault.ActivityPending, 1},
		{"pending, then consensus", []step{activity(Pending, ""), activity(ConsensusNeeded, "")}, fault.ActivityPending, 2},
		{"unknown status", []step{activity("ACTIVITY_STATUS_DREAMING", "")}, fault.APIDown, 1},
		{"completed without a result", []step{activity(Completed, `"result":{}`)}, fault.APIDown, 1},
		{"completed with another result", []step{activity(Completed, `"result":{"r":[]}`)}, fault.APIDown, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cl, s := newClient(t, c.steps...)
				var out struct{ X string }
				res, err := cl.Submit(t.Context(), Activity{Path: "/public/v1/submit/p", Type: "T", OrganizationID: "org-1", ResultKey: "r"}, &out)
				if len(s.sent) != c.sent {
					t.Errorf("sent %d requests, want %d", len(s.sent), c.sent)
				}
				for _, r := range s.sent[1:] {
					if r.path != "/public/v1/query/get_activity" || r.body != `{"organizationId":"org-1","activityId":"act-1"}` {
						t.Errorf("polled %s with %s", r.path, r.body)
					}
				}
				if res.ActivityID != "act-1" || res.Fingerprint != "sha256:00" {
					t.Errorf("result %+v", res)
				}
				if c.want == "" {
					if err != nil || out.X != "1" {
						t.Errorf("%+v, %v", out, err)
					}
					return
				}
				if fault.CodeOf(err) != c.want {
					t.Errorf("%v, want %s", err, c.want)
				}
				if e, ok := errors.AsType[*ActivityError](err); c.want != fault.APIDown && (!ok || e.ActivityID != "act-1") {
					t.Errorf("%v does not name the activity", err)
				}
			})
		})
	}
}

func TestPollingBacksOffAndEndsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newClient(t, activity(Pending, ""))
		start := time.Now()
		res, err := c.Submit(t.Context(), Activity{Path: "/p"}, nil)
		if fault.CodeOf(err) != fault.ActivityLate || res.ActivityID != "act-1" {
			t.Errorf("%+v, %v", res, err)
		}
		if got := time.Since(start); got != 2*time.Minute {
			t.Errorf("gave up after %v", got)
		}
		// 0.5 + 1 + 2 + 4 s, then every 5 s until 120 s: 22 more.
		if len(s.sent) != 1+4+22 {
			t.Errorf("%d requests", len(s.sent))
		}
	})
}

func TestPollingEndsWithTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newClient(t, activity(Pending, ""))
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := c.Submit(ctx, Activity{Path: "/p"}, nil); fault.CodeOf(err) != fault.ActivityLate {
			t.Error(err)
		}
		ctx, turnAway := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, turnAway)
		if _, err := c.Submit(ctx, Activity{Path: "/p"}, nil); fault.CodeOf(err) != fault.Cancel {
			t.Error(err)
		}
	})
}

func TestPollingOutlivesABadNetworkAndALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := broken(errors.New("no route"))
		c, s := newClient(t, activity(Created, ""), down, down, down, down, answer(429, `{}`, "Retry-After", "20"),
			activity(Completed, `"result":{"r":{}}`))
		start := time.Now()
		if _, err := c.Submit(t.Context(), Activity{Path: "/p", ResultKey: "r"}, nil); err != nil {
			t.Fatal(err)
		}
		if time.Since(start) < 20*time.Second || len(s.sent) != 7 {
			t.Errorf("%d requests in %v", len(s.sent), time.Since(start))
		}
	})
}

func TestPollingStopsWhenTheKeyIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newClient(t, activity(Pending, ""), answer(401, `{"code":16,"message":"expired api key"}`))
		if _, err := c.Submit(t.Context(), Activity{Path: "/p"}, nil); fault.CodeOf(err) != fault.SessionExpired || len(s.sent) != 2 {
			t.Errorf("%v after %d requests", err, len(s.sent))
		}
	})
}

func TestAFailureTellsItsReason(t *testing.T) {
	c, _ := newClient(t, activity(Failed, `"failure":{"code":5,"message":"wallet gone","details":[{"turnkeyErrorCode":"FORBIDDEN"}]}`))
	_, err := c.Submit(t.Context(), Activity{Path: "/p", Type: "ACTIVITY_TYPE_X"}, nil)
	e, ok := errors.AsType[*VendorError](err)
	if !ok || e.GRPC != 5 || e.Message != "wallet gone" || e.TurnkeyCode != "FORBIDDEN" || e.HTTPStatus != 0 {
		t.Errorf("%+v in %v", e, err)
	}
}
