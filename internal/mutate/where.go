package main

// Where faults are looked for: arguments of go test.

// builders are the packages whose tests build the program from the tree.
var builders = []string{
	"./client", "./internal/attack", "./internal/bench", "./internal/clientmatrix", "./internal/clients", "./internal/interop",
	"./internal/leakmatrix", "./internal/sdkcompat", "./internal/soak",
}

// scripted is the package whose tests, as `make test` has it too, make a thousand
// passwords that need not be good ones.
const scripted = "./cmd/agentsecrets"

// inMitm leaves out what takes long, and belongs to rows that have faults of their own.
var inMitm = []string{"./mitm", "-skip", "^Test(V[0-9]|E[357][A-Z]|E10|D10|S3Places|ProtocolPairs)"}

var (
	inPeer         = []string{"./internal/peer"}
	inDiffer       = []string{"./internal/differ", "-run", "TestEveryChangeIsMet|TestRareExchanges"}
	inDaemon       = []string{"./internal/daemon"}
	inDaemonScript = []string{"./cmd/agentsecrets", "-run", "TestScripts/daemon$"}
)

var (
	inRelay       = []string{"./mitm", "-run", "Rout|Relay|Distrust|Guarded|Intercepted"}
	inConstrained = []string{"./ca", "-run", "Constrain"}
	inLimits      = []string{"./mitm", "-run", "V2|Overload"}
	inOptions     = []string{"./mitm", "-run", "D9PrivateRule|PrivateRule|Strictest|StreamingBody|D8Roots|D7Plaintext|PlaintextRule|E4Range|GuardedByTheRule|PlaintextUpgrade"}
	inLooks       = []string{"./mitm", "-run", "TestPolicyIsLookedAtOnce"}
	inParent      = []string{"./mitm", "-run", "Parent"}
	inParentFlag  = []string{"./cmd/agentsecrets", "-run", "TestScripts/^parent$"}
	inEgress      = []string{"./cmd/agentsecrets", "-run", "TestScripts/^egress$"}
)

var inAttack = []string{"./internal/attack", "-run", "TestVerdicts|TestNaive"}

var inPlaces = []string{"./mitm", "-run", "TestS3|TestS4|TestAnywhere|TestS2|TestTextHosts|TestS8"}

var inEngine = []string{"./internal/engine", "-skip", "TestRoundTrip"}

var inHTTP1 = []string{"./internal/http1", "-skip", "TestRoundTrip|TestProgramsInUse"}

var inSeal = []string{"./cmd/agentsecrets", "-run", "TestScripts/L9_seal$"}

var (
	inChanges      = []string{"./cmd/agentsecrets", "-run", "TestScripts/changes$"}
	inRequestRules = []string{"./cmd/agentsecrets", "-run", "TestScripts/requestrules$"}
	inAllowTest    = []string{"./cmd/agentsecrets", "-run", "TestScripts/allowtest$"}
)

var inBind = []string{"./cmd/agentsecrets", "-run", "TestScripts/(bind|catalogue)$"}

var (
	inMetrics     = []string{"./metrics"}
	inMetricsFlag = []string{"./cmd/agentsecrets", "-run", "TestScripts/^E15_metrics$|TestStatusIsLocal"}
)

var (
	inRedact     = []string{"./redact"}
	inDoctor     = []string{"./cmd/agentsecrets", "-run", "TestScripts/doctor$|TestDoctorWithoutProxy|TestDoctorNoticesWhat"}
	inLife       = []string{"./redact", "-run", "Remove|Again|Full|TestID|Faster|TestLife"}
	inKept       = []string{"./mitm", "-run", "TestValuesAreForgotten|TestTooManyValues"}
	inAllowlist  = []string{"./allowlist"}
	inResolve    = []string{"./resolve"}
	inOrigins    = []string{"./cmd/agentsecrets", "-run", "TestScripts/^origins$"}
	inAgefile    = []string{"./resolve/agefile", "-run", "TestRewrap$|Passphrase|Locked|Release"}
	inKeyring    = []string{"./internal/keyring"}
	inPassphrase = []string{"./cmd/agentsecrets", "-run", "TestScripts/passphrase"}
	inSetAll     = []string{"./resolve", "-run", "SetAll"}
	inEnvfile    = []string{"./internal/envfile"}
	inImport     = []string{"./cmd/agentsecrets", "-run", "TestScripts/import"}
	inCA         = []string{"./ca"}
	inAudit      = []string{"./audit", "-skip", "TestA2Many"}
	inEnv        = []string{"./env", "-run", "Python|Without|Vars"}
	inBench      = []string{"./internal/bench", "-run", "Compares|Failures"}
	inDemo       = []string{"./cmd/agentsecrets", "-run", "TestScripts/demo"}
	inMove       = []string{"./cmd/agentsecrets", "-run", "TestA5KilledMove"}
	inStores     = []string{"./cmd/agentsecrets", "-run", "TestScripts/keychain"}
	inKeychain   = []string{"./resolve/keychain"}
	inTold       = []string{"./cmd/agentsecrets", "-run", "TestScripts/^(told|call)$"}
)

var (
	inRead         = []string{"./audit", "-run", "Read|Follow|Tail"}
	inLogs         = []string{"./cmd/agentsecrets", "-run", "TestLogsFitTheScreen"}
	inShells       = []string{"./cmd/agentsecrets", "-run", "TestShells|TestPowerShell|TestDocker|TestSystemd"}
	inWhose        = []string{"./cmd/agentsecrets", "-run", "TestScripts/^whose$"}
	inWhoseMitm    = []string{"./mitm", "-run", "TestEveryEventSaysWhose"}
	inIntercept    = []string{"./cmd/agentsecrets", "-run", "TestScripts/intercept$"}
	inProject      = []string{"./cmd/agentsecrets", "-run", "TestScripts/project$"}
	inEnvironments = []string{"./cmd/agentsecrets", "-run", "TestScripts/environments$"}
)

var inSecondSignal = []string{"./cmd/agentsecrets", "-run", "TestScripts/^secondsignal$"}

var inShutdown = []string{"./mitm", "-run", "TestShutdown"}
