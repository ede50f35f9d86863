package policy_test

import (
	"testing"

	"latchkey/internal/sandbox/policy"
)

// Expressions as Turnkey's users write them, in the forms that its documentation shows. All of them can be stored.
// Source: docs.turnkey.com, features/policies (language, examples, time-based policies), with values filled in.
func TestR15_PolicyFormsInUse(t *testing.T) {
	forms := map[policy.Place][]string{
		policy.Consensus: {
			`approvers.any(user, user.id == 'u')`,
			`approvers.any(user, user.tags.contains('t'))`,
			`approvers.filter(user, user.tags.contains('t')).count() >= 2`,
			`approvers.any(user, user.id == 'u1') && approvers.any(user, user.id == 'u2')`,
			`approvers.any(user, user.id == 'u1') || approvers.count() > 1`,
			`credentials.any(credential, credential.type == 'CREDENTIAL_TYPE_WEBAUTHN_AUTHENTICATOR')`,
			`credentials.any(credential, credential.public_key == '02ab')`,
			`approvers.any(user, user.email == 'a@b.c') && credentials.any(c, c.user_id == 'u' && c.type != 'CREDENTIAL_TYPE_API_KEY_P256')`,
			`true`,
		},
		policy.Condition: {
			`activity.resource == 'WALLET' && activity.action == 'CREATE'`,
			`activity.action == 'DELETE'`,
			`activity.resource in ['AUTH', 'OTP'] && activity.action in ['CREATE','VERIFY']`,
			`activity.type == 'ACTIVITY_TYPE_CREATE_READ_WRITE_SESSION_V2'`,
			`activity.kind == 'CREATE_READ_WRITE_SESSION'`,
			`(activity.resource == 'AUTH' && activity.action == 'CREATE') || (activity.resource == 'OTP' && activity.action == 'VERIFY')`,
			`activity.type == 'ACTIVITY_TYPE_SIGN_RAW_PAYLOAD_V2' && activity.params.hash_function == 'HASH_FUNCTION_NO_OP' && activity.params.encoding != 'PAYLOAD_ENCODING_EIP712'`,
			`activity.type == 'ACTIVITY_TYPE_DELETE_USERS' && activity.params.user_ids.contains('u')`,
			`activity.type == 'ACTIVITY_TYPE_DELETE_USERS' && activity.params.user_ids.count() == 1 && 'u' in activity.params.user_ids`,
			`activity.kind == 'EXECUTE_SWAP' && !(activity.params.output_token in ['a', 'b'])`,
			`activity.kind == 'EXECUTE_SWAP' && activity.params.sponsor == true && activity.params.input_amount > 1000000000000000000`,
			`wallet_account.address == '0x01' && tempo.tx.calls[0].to == '0x02' && tempo.tx.calls[0].input[34..74] == '78839f6054d7ed13918bae0473ba31b1ca9d7265'`,
			`tempo.tx.gas_limit > 100000 || tempo.tx.valid_before == 9999999999`,
			`wallet.id == 'w' && wallet.label == 'Main' && !wallet.exported`,
			`wallets.all(w, w.exported == true)`,
			`private_key.id == 'k' && private_key.tags.contains('t')`,
			`wallet_account.address == '0x08d2b0a37F869FF76BACB5Bab3278E26ab7067B7'`,
			`activity.kind == 'EXPORT_WALLET_ACCOUNT' && wallet_account.path_indexes.count() == 4 && wallet_account.path_indexes[0] == 8797555 && wallet_account.path_hardened.all(h, h == true)`,
			`eth.tx.contract_call_args['wad'] < 1000000000000000000 && eth.tx.contract_call_args['dst'] == '0x08d2b0a37F869FF76BACB5Bab3278E26ab7067B7'`,
			`eth.tx.to == '0x08d2b0a37F869FF76BACB5Bab3278E26ab7067B7' && eth.tx.function_name == 'transfer'`,
			`eth.tx.function_name == 'executeBatch' && eth.tx.contract_call_args['calls'].count() <= 2 && eth.tx.contract_call_args['calls'].all(call, call[0] == '0x08' && call[1] == 0)`,
			`eth.tx.contract_call_args['recipients'].all(addr, addr in ['0x01', '0x02'])`,
			`eth.tx.to == '0x08' && eth.tx.data[0..10] == '0xa9059cbb'`,
			`eth.tx.chain_id == 11155111`,
			`eth.tx.nonce <= 3`,
			`eth.eip_712.domain.name == 'HyperliquidSignTransaction' && eth.eip_712.primary_type == 'HyperliquidTransaction:ApproveAgent'`,
			`eth.eip_712.message['permitted'][0]['token'] == '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48'`,
			`eth.eip_712.message['permitted'].any(p, p['token'] == '0xA0' && p['amount'] < 100000000)`,
			`eth.eip_7702_authorization.address == '0x01' && eth.eip_7702_authorization.chain_id == 1 && eth.eip_7702_authorization.nonce == 0`,
			`solana.tx.transfers.all(transfer, transfer.from == 'S')`,
			`solana.tx.transfers.count == 1 && solana.tx.transfers[0].to == 'R'`,
			`solana.tx.program_keys.all(p, p == '11111111111111111111111111111111')`,
			`solana.tx.instructions[0].instruction_data_hex == 'aa'`,
			`solana.tx.instructions[0].accounts[0].account_key == 'A'`,
			`solana.tx.address_table_lookups.count() > 0`,
			`solana.tx.transfers.any(t, t.to == 'ADDRESS_TABLE_LOOKUP') || solana.tx.spl_transfers.any(t, t.to == 'ADDRESS_TABLE_LOOKUP')`,
			`solana.tx.instructions.count() == 1 && solana.tx.spl_transfers.count() == 1 && solana.tx.spl_transfers.all(transfer, transfer.signers.any(s, s == 'X'))`,
			`solana.tx.instructions.count() == solana.tx.spl_transfers.count() && solana.tx.spl_transfers.all(transfer, transfer.token_mint == 'M' && transfer.amount < 100)`,
			`solana.tx.instructions.any(i, i.parsed_instruction_data.instruction_name == 'swap' && i.parsed_instruction_data.named_accounts['owner'] == 'O')`,
			`solana.tx.instructions[0].parsed_instruction_data.program_call_args['amount'] < 5`,
			`solana.tx.static_account_keys.contains('A') && solana.tx.address_table_lookup_references.all(r, !r.writable && r.index < 3)`,
			`tron.tx.contract[0].contract_address == 'T' && tron.tx.contract[0].data[0..8] == 'a9059cbb'`,
			`tron.tx.contract[0].amount < 10000000`,
			`tron.tx.contract[0].type == 'TransferContract'`,
			`tron.tx.contract[0].owner.keys.all(k, k.weight == 1) && tron.tx.contract[0].actives.count() == 0`,
			`bitcoin.tx.outputs.all(o, o.address in ['a', 'b'] && o.value < 1000) && bitcoin.tx.fee < 5000`,
			`bitcoin.tx.outputs.count() == 2 && bitcoin.tx.locktime.type == 'Blocks' && bitcoin.tx.version == '2'`,
			`tempo.tx.chain_id == 1 && tempo.tx.calls.all(c, c.to == '0x01' && c.function_signature == '0xa9059cbb')`,
			`activity.params.sign_with == 'a' && activity.params.signatures.all(sig, sig.derivation.type == 'signing_leaf' && sig.adaptor_public_key != '')`,
			`secret.static_properties['name'] == 'x'`,
		},
		policy.Moment: {
			`time.now >= Timestamp('2026-01-01T00:00:00Z') && time.now < Timestamp('2026-02-01T00:00:00Z')`,
			`CronSpan('0 9 * * 1-5', '8h', 'America/New_York')`,
			`!CronSpan('0 0 * * 0,6', '1d', 'Europe/London')`,
			`CronSpan('0 22 * * *', '1d12h', 'UTC') || time.now > Timestamp('2026-01-01T00:00:00.123+00:00')`,
		},
	}
	for place, sources := range forms {
		for _, source := range sources {
			if _, err := policy.Compile(place, source); err != nil {
				t.Errorf("%s: %v", source, err)
			}
			for other := range forms {
				if _, err := policy.Compile(other, source); other != place && err == nil && source != "true" {
					t.Errorf("%s of %s may stand in %s", source, place, other)
				}
			}
		}
	}
}
