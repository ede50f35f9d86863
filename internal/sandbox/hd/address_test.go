package hd

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"latchkey/internal/fault"
)

// every is the vendor's enumeration of address formats without its prefix (public_api.swagger.json, v1AddressFormat).
func every() []string {
	formats := strings.Fields("UNCOMPRESSED COMPRESSED ETHEREUM SOLANA COSMOS TRON SUI APTOS SEI XLM DOGE_MAINNET DOGE_TESTNET " +
		"TON_V3R2 TON_V4R2 TON_V5R1 XRP SPARK_MAINNET SPARK_REGTEST")
	for _, network := range []string{"MAINNET", "TESTNET", "SIGNET", "REGTEST"} {
		for _, script := range []string{"P2PKH", "P2SH", "P2WPKH", "P2WSH", "P2TR"} {
			formats = append(formats, "BITCOIN_"+network+"_"+script)
		}
	}
	return formats
}

func homes(format string) []string {
	switch format {
	case "SOLANA", "SUI", "APTOS", "XLM":
		return []string{Ed25519}
	case "COMPRESSED":
		return []string{Secp256k1, P256, Ed25519}
	case "UNCOMPRESSED":
		return []string{Secp256k1, P256}
	}
	if strings.HasPrefix(format, "TON_") || strings.HasPrefix(format, "SPARK_") || strings.HasSuffix(format, "_P2WSH") {
		return nil
	}
	return []string{Secp256k1}
}

// Every format is either spelt, for the curves that it belongs to, or refused in the vendor's words.
func TestEveryFormatIsSpeltOrRefused(t *testing.T) {
	for _, curve := range []string{Secp256k1, P256, Ed25519} {
		key, err := Derive(Seed(abandon), curve, "m/0'")
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range every() {
			allowed := homes(format)
			want := ""
			if allowed == nil {
				want = "invalid address format"
			} else if !bytes.Contains([]byte(strings.Join(allowed, " ")), []byte(curve)) {
				want = "invalid curve"
			}
			address, err := Address("ADDRESS_FORMAT_"+format, key)
			if got := vendorText(err); got != want || (address == "") != (err != nil) {
				t.Errorf("%s with %s: %q, %v; want %q", format, curve, address, err, want)
			}
			if check := CheckAccount(curve, "PATH_FORMAT_BIP32", "m/0'", "ADDRESS_FORMAT_"+format); vendorText(check) != want {
				t.Errorf("CheckAccount: %s with %s: %v", format, curve, check)
			}
		}
	}
}

func TestUnknownFormatsAreInvalid(t *testing.T) {
	key, err := Derive(Seed(abandon), Secp256k1, "m")
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"", "ETHEREUM", "ADDRESS_FORMAT_", "ADDRESS_FORMAT_ethereum", "ADDRESS_FORMAT_BITCOIN_", "ADDRESS_FORMAT_BITCOIN_MAINNET",
		"ADDRESS_FORMAT_BITCOIN_MOON_P2PKH", "ADDRESS_FORMAT_BITCOIN_MAINNET_P2PK", "ADDRESS_FORMAT_BITCOIN_MAINNET_P2PKH_"} {
		if _, err := Address(format, key); fault.KindOf(err) != fault.Invalid || vendorText(err) != "invalid address format" {
			t.Errorf("%q: %v", format, err)
		}
	}
	for _, format := range []string{"ETHEREUM", "TRON", "UNCOMPRESSED", "BITCOIN_MAINNET_P2TR"} {
		for _, pub := range [][]byte{nil, {2}, make([]byte, 33), append([]byte{2}, bytes.Repeat([]byte{255}, 32)...)} {
			if _, err := Address("ADDRESS_FORMAT_"+format, Key{Curve: Secp256k1, Public: pub}); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%s of %x: %v", format, pub, err)
			}
		}
	}
	if _, err := Address("ADDRESS_FORMAT_UNCOMPRESSED", Key{Curve: P256, Public: make([]byte, 33)}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("P-256: %v", err)
	}
}

// Sources: BIP-173 (the generator's key), and for the rest the same hash under the prefix of the network, as the
// networks' own parameters have it.
func TestNetworksHaveTheirPrefixes(t *testing.T) {
	one := make([]byte, 32)
	one[31] = 1
	generator, err := NewKey(Secp256k1, one)
	if err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string]string{
		"BITCOIN_MAINNET_P2WPKH": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
		"BITCOIN_TESTNET_P2WPKH": "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
		"BITCOIN_SIGNET_P2WPKH":  "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
		"BITCOIN_REGTEST_P2WPKH": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
		"BITCOIN_MAINNET_P2PKH":  "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH",
		"BITCOIN_TESTNET_P2PKH":  "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r",
		"BITCOIN_SIGNET_P2PKH":   "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r",
		"BITCOIN_REGTEST_P2PKH":  "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r",
		"COMPRESSED":             "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
		"UNCOMPRESSED":           "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
		"ETHEREUM":               "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf",
	} {
		if got, err := Address("ADDRESS_FORMAT_"+format, generator); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", format, got, err, want)
		}
	}
	for prefix, format := range map[string]string{"n": "DOGE_TESTNET", "tb1p": "BITCOIN_SIGNET_P2TR", "bcrt1p": "BITCOIN_REGTEST_P2TR", "2": "BITCOIN_TESTNET_P2SH"} {
		if got, err := Address("ADDRESS_FORMAT_"+format, generator); err != nil || !strings.HasPrefix(got, prefix) {
			t.Errorf("%s: %s, %v; want %s…", format, got, err, prefix)
		}
	}
}

// Source: BIP-350, test vectors for witness programs.
func TestSegwitSpellings(t *testing.T) {
	for _, c := range []struct {
		hrp     string
		version byte
		program string
		want    string
	}{
		{"bc", 0, "751e76e8199196d454941c45d1b3a323f1433bd6", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
		{"tb", 0, "1863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262", "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7"},
		{"bc", 1, "751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6", "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y"},
		{"bc", 1, "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"},
		{"tb", 1, "000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433", "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c"},
	} {
		program, err := hex.DecodeString(c.program)
		if err != nil {
			t.Fatal(err)
		}
		if got := segwit(c.hrp, c.version, program); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
