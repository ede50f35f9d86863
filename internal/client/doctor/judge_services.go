package doctor

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/profile"
)

// unserved is what is said of the services of a sandbox that does not run: that is no trouble.
func unserved(f *Facts) (verdict, bool) {
	if f.Profile.Kind == profile.KindSandbox && !f.Served {
		return skipped("Nobody runs the sandbox now; the window or the next command starts it."), true
	}
	return verdict{}, false
}

// service judges a server that was called. What it answered is no matter: that it did is.
func service(part func(*Facts) *Service, down fault.Code) func(*Facts) verdict {
	return func(f *Facts) verdict {
		if v, is := unserved(f); is {
			return v
		}
		s := part(f)
		switch {
		case s == nil:
			return late
		case s.Err != nil:
			v := told(Failed, fault.New(down, s.Err))
			v.seen = fmt.Sprintf("%s did not answer: %s.", s.URL, cause(s.Err))
			if f.Profile.Kind == profile.KindSandbox {
				v.next = fmt.Sprintf("Look at process %d, which serves the sandbox: continue or end it, and the next command takes over.", f.Process)
			}
			return v
		case s.Status >= 500 && s.Status != 501: // the sandbox says 501 to what nobody asks for
			return warning(fmt.Sprintf("%s answers with %d.", s.URL, s.Status), "It is there, and does not work as it should.", "Try again in a while; its own log says more.")
		}
		return ok("%s answers.", s.URL)
	}
}

// untimely reports whether a certificate was refused because of its time.
func untimely(err error) bool {
	e, is := errors.AsType[x509.CertificateInvalidError](err)
	return is && e.Reason == x509.Expired
}

// shown is the skew from which it is told of. What is over 30 s is put right by itself.
const shown = time.Minute

func clock(f *Facts) verdict {
	if v, is := unserved(f); is {
		return v
	}
	s := f.API
	if s == nil || !s.Dated {
		s = f.Backend
	}
	if f.API != nil && untimely(f.API.Err) {
		return warning("The certificate of "+f.API.URL+" is not valid at the time that this computer shows.", "Either this computer's clock is wrong, or the service let its certificate end. Nothing can be sent until it is valid.",
			"Set this computer's clock, or let it be set by time servers.")
	}
	if s == nil || !s.Dated {
		return skipped("No service told its time.")
	}
	skew := max(s.Least, min(0, s.Most)).Round(time.Second)
	if skew.Abs() < shown {
		return ok("It agrees with that of %s.", s.URL)
	}
	direction := "behind"
	if skew < 0 {
		direction = "ahead of"
	}
	return warning(fmt.Sprintf("This computer is %s %s %s.", skew.Abs(), direction, s.URL),
		"Latchkey reckons with it, so sessions last. Other programs may not, and a much larger difference makes the service's certificates look invalid.",
		"Set this computer's clock, or let it be set by time servers.")
}

// port judges what latchkey backend alone looks at: it is a failure for whoever's backend is on this machine.
func port(f *Facts, p Port) verdict {
	_, here := localPort(f.Profile.BackendURL)
	switch {
	case !p.Valid:
		state := warning
		if here && f.Profile.Kind != profile.KindSandbox { // whose backend takes a free port
			state = failed
		}
		return state(fmt.Sprintf("PORT is %q.", p.Text), "latchkey backend does not start with it; nothing else looks at it.",
			"Set PORT to a number from 0 to 65535, of which 0 is a free port, or unset it.")
	case p.Taken && p.Ours:
		return ok("%s, where this profile's backend listens.", p.Text)
	case p.Taken:
		return warning(fmt.Sprintf("%s is in use by another program.", p.Text), "latchkey backend cannot listen there unless told otherwise. The window and the sandbox profile take free ports.",
			"End the other program, or start latchkey backend with --listen 127.0.0.1:0.")
	case p.Reason != "":
		return warning(fmt.Sprintf("%s cannot be listened on: %s.", p.Text, p.Reason), "latchkey backend cannot listen there.", "Set PORT to another number.")
	}
	if p.Any {
		return ok("Whichever port is free.")
	}
	return ok("%s is free.", p.Text)
}
