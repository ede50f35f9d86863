package token

// Vectors of Turnkey's protocol, made and checked with Turnkey's own packages (@turnkey/core 2.8.1, @turnkey/crypto
// 2.13.2). Each private key is the SHA-256 of the label beside it.
const (
	notarizerPrivate = "e3ebe357a0ee16df0b40db04c33dbb2dc9ecf58a2a7a307f5edf156beb3eef96" // tk-notarizer
	notarizerPublic  = "044937cfd66659b84de4663c76360ccf0c3313a0738b8c5e1d1b465ebdb87883747871a77018af841f7579d5db5f1fab98c41ab8b72aa133c1c492ca53532308f1"
	fetcherPrivate   = "0d8135497b7bb59d3e7a29332f32727813d0a97bd5fd0b9435990aea1ca845a3" // tk-tls-fetcher
	fetcherPublic    = "04b251adbf6d6069b169857326ec25cb0fcbd0cfefff3073eb2e197b2c0c1862d4c22744aff6249466212d1570ee5d608d009203f6450f65a0616f86daf0a6fc94"
	clientPrivate    = "74372d27dc555e8f55c21a4d6557bf9535890531c534c252a1b923ce93d06427" // tk-vector-2
	clientPublic     = "03983818e66c3b431053083bc555b242979d9ac80634b1bb7ad94a5700e86ee77c"

	parentOrganization = "11111111-2222-4333-8444-555555555555"
	subOrganization    = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
	user               = "99999999-8888-4777-8666-555555555555"
	tokenID            = "5f0e4f4e-0000-4000-8000-000000000001"

	// Signed by the notarizer over the double hash; ends with the year 2099.
	sessionPayload = `{"exp":4102444800,"public_key":"03983818e66c3b431053083bc555b242979d9ac80634b1bb7ad94a5700e86ee77c","session_type":"SESSION_TYPE_READ_WRITE","user_id":"99999999-8888-4777-8666-555555555555","organization_id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"}`
	sessionOnce    = "f33dbf795e5a7325867fd1375490b739313e158f21b1fb907eb492013540cfc0"
	sessionTwice   = "08127e689139c5a74e0311964eb24657136d070c989ad1d0021fa6ec14a70de6"
	sessionRaw     = "c96750200fdc4cd30edcb88762fd033783403e1623bb0e7fe3791f4b344038b5e2c09b12a3fce9ded26dec0940a5d1f9c655e6915decf7065820b7b17daeb01a"
	sessionJWT     = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjQxMDI0NDQ4MDAsInB1YmxpY19rZXkiOiIwMzk4MzgxOGU2NmMzYjQzMTA1MzA4M2JjNTU1YjI0Mjk3OWQ5YWM4MDYzNGIxYmI3YWQ5NGE1NzAwZTg2ZWU3N2MiLCJzZXNzaW9uX3R5cGUiOiJTRVNTSU9OX1RZUEVfUkVBRF9XUklURSIsInVzZXJfaWQiOiI5OTk5OTk5OS04ODg4LTQ3NzctODY2Ni01NTU1NTU1NTU1NTUiLCJvcmdhbml6YXRpb25faWQiOiJhYWFhYWFhYS1iYmJiLTRjY2MtOGRkZC1lZWVlZWVlZWVlZWUifQ.yWdQIA_cTNMO3LiHYv0DN4NAPhYjuw5_43kfSzRAOLXiwJsSo_zp3tJt7AlApdH5xlXmkV3s9wZYILexfa6wGg"

	// Signed by the fetcher over the single hash; ends with the year 2099.
	verificationPayload = `{"exp":"4102444800000","id":"5f0e4f4e-0000-4000-8000-000000000001","organization_id":"11111111-2222-4333-8444-555555555555","verification_type":"OTP_TYPE_EMAIL","contact":"user@example.com","public_key":"03983818e66c3b431053083bc555b242979d9ac80634b1bb7ad94a5700e86ee77c"}`
	verificationOnce    = "9709eae399410a31cb41baa1d5e814b90815e0a983a3c0de7c1f9ed598cbccfd"
	verificationJWT     = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJleHAiOiI0MTAyNDQ0ODAwMDAwIiwiaWQiOiI1ZjBlNGY0ZS0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJvcmdhbml6YXRpb25faWQiOiIxMTExMTExMS0yMjIyLTQzMzMtODQ0NC01NTU1NTU1NTU1NTUiLCJ2ZXJpZmljYXRpb25fdHlwZSI6Ik9UUF9UWVBFX0VNQUlMIiwiY29udGFjdCI6InVzZXJAZXhhbXBsZS5jb20iLCJwdWJsaWNfa2V5IjoiMDM5ODM4MThlNjZjM2I0MzEwNTMwODNiYzU1NWIyNDI5NzlkOWFjODA2MzRiMWJiN2FkOTRhNTcwMGU4NmVlNzdjIn0.2bkaTSfz1pkw0ud8KANgQ2FncuRzNFk0NJ-10TRj9wTx7aaVmR9ySPSU0sH1qcPeEI9qx6Y7PHAsDpajL2k5IQ"
	// The same, as it stands in the attested stamp of the same source.
	attestation = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJleHAiOiI0MTAyNDQ0ODAwMDAwIiwiaWQiOiI1ZjBlNGY0ZS0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJvcmdhbml6YXRpb25faWQiOiIxMTExMTExMS0yMjIyLTQzMzMtODQ0NC01NTU1NTU1NTU1NTUiLCJ2ZXJpZmljYXRpb25fdHlwZSI6Ik9UUF9UWVBFX0VNQUlMIiwiY29udGFjdCI6InVzZXJAZXhhbXBsZS5jb20iLCJwdWJsaWNfa2V5IjoiMDM5ODM4MThlNjZjM2I0MzEwNTMwODNiYzU1NWIyNDI5NzlkOWFjODA2MzRiMWJiN2FkOTRhNTcwMGU4NmVlNzdjIn0.2bkaTSfz1pkw0ud8KANgQ2FncuRzNFk0NJ-10TRj9wTx7aaVmR9ySPSU0sH1qcPeEI9qx6Y7PHAsDpajL2k5IQ"

	// Genuine tokens of the service, from the test data of its own packages, and the keys it signs with.
	productionNotarizer    = "04d498aa87ac3bf982ac2b5dd9604d0074905cfbda5d62727c5a237b895e6749205e9f7cd566909c4387f6ca25c308445c60884b788560b785f4a96ac33702a469"
	productionSession      = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE3NDg4NzY4MzcsInB1YmxpY19rZXkiOiIwMzk5ZmUyYWNlNjIwOGFmMGFkZjg0OGY0NGJjNDgyMTBiNTk0YjdlNjllY2Q5MWVjOTY4ZmQ3NWIzYmI0NDgzMzYiLCJzZXNzaW9uX3R5cGUiOiJTRVNTSU9OX1RZUEVfUkVBRF9XUklURSIsInVzZXJfaWQiOiI2OTEyYjgxOS1mNGRmLTQwZjQtYTE5Mi0yMGVlNDMwOTA5NzQiLCJvcmdhbml6YXRpb25faWQiOiJjNzVlY2IwNy1jODRhLTRkZDUtOTMyYy01MzlkZmFmYzY4NjQifQ.y6LPW1jlTwc9jFcvCwKJoKfleL_vHnGUr5tRVdMFUCnHvDspSPZ3DWK85tf1znCCBFQ6MYaFOl-1FLb0KcFxqQ"
	productionFetcher      = "046b4f88421f76b6ba418afc2ea1d8ced671337d7db6b80478a60d8531bf8f17fa9a512f0fef96fc0c9b4cd9dff70b34992e520ce04c79d931f6ff6296b547d201"
	productionVerification = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJleHAiOiIxNzgyOTE5NjUxMjYxIiwiaWQiOiJlYjM5YjE5OS0zMzUyLTQyODktYjMxZi01NzE5NGM3OTYwOWMiLCJvcmdhbml6YXRpb25faWQiOiI3ZmYxODlmYi1kZjdkLTQ1MmUtODU0MC01NzYzMmUzODBiNzciLCJ2ZXJpZmljYXRpb25fdHlwZSI6Ik9UUF9UWVBFX0VNQUlMIiwiY29udGFjdCI6InVzZXJAZXhhbXBsZS5jb20iLCJwdWJsaWNfa2V5IjoiMDM2MzM1Yjc4ZjkyNzM2ZTMyZTk5ZGM2YWVkOTc5YWZmMGI1YzI0MTkyZTc2YjE2MjhhYTU0ZWRhZjU4YzhjMTVkIn0.YMtLA5vVUTiYhW5CIitrGXb-fk4MWx-MNVC4etopkKVro6tn0CP-Uz7biSZOunASsEc3jkjJWnFIn2AMpuZomg"
)

// Client signatures by tk-vector-2 for that verification token.
var clientSignatures = map[string]ClientSignature{
	"login":               {PublicKey: clientPublic, Scheme: SchemeClient, Message: `{"login":{"publicKey":"03983818e66c3b431053083bc555b242979d9ac80634b1bb7ad94a5700e86ee77c"},"tokenId":"5f0e4f4e-0000-4000-8000-000000000001","type":"USAGE_TYPE_LOGIN"}`, Signature: "826c249b0cdedbebaa8515530aa95d691821b6791e414d7e9ed7d1a0516411a1d749d4fb5d1c762a22bec548a164baefbe048ae4297f7c5016fb31ee52364a60"},
	"signup":              {PublicKey: clientPublic, Scheme: SchemeClient, Message: `{"signupV2":{"apiKeys":[],"authenticators":[],"oauthProviders":[],"email":"user@example.com"},"tokenId":"5f0e4f4e-0000-4000-8000-000000000001","type":"USAGE_TYPE_SIGNUP"}`, Signature: "93b7994ca345d3c56b88eaac4e55420d16e3151a448dd3534280230915c87334f59c241189c68a4824c7c09baa51874a22a30054402682f87cfa83a51d05f287"},
	"signup of version 1": {PublicKey: clientPublic, Scheme: SchemeClient, Message: `{"signup":{"apiKeys":[],"authenticators":[],"email":"user@example.com","oauthProviders":[]},"tokenId":"5f0e4f4e-0000-4000-8000-000000000001","type":"USAGE_TYPE_SIGNUP"}`, Signature: "a95051b0e5588be4152314f3e31de2c358182481b9f91a49f11eb983de543658e3d92275eb5fb7c8b1cfe92f9c1cbe86cfe3eceeae03096a6fec5b871f3d5646"},
}
