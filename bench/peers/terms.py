"""On what terms each system gives its answers: what a reader must know before he compares two numbers."""

TERMS = {
    "privet": {
        "setting": "three parties, replicated secret sharing, semi-honest, no two collude",
        "processes": "three parties; the client is a process of its own",
        "holds": "each party: two of three shares of the weights and of the input",
        "learns": "the client: the answers; the parties: the shape of the model, and how many rows",
        "numbers": "a 64-bit ring; bits chosen so that the error is proven to stay below the accuracy asked for",
        "network": "loopback, TLS 1.3 on all connections",
        "errors": "against privet's own plain answers in float64",
        "bytes": "of what the parties send one another, TLS not counted; the client's are apart",
        "times": "the client's, from its rows to its answers; the parties do not tell a time of their own",
    },
    "spu": {
        "setting": "three parties, ABY3, semi-honest, no two collude",
        "processes": "three parties; the client is a process of its own",
        "holds": "each party: two of three shares of the weights and of the input",
        "learns": "the client: the answers; the parties: the shape of the model, and how many rows",
        "numbers": "the 64-bit ring FM64 with 18 fraction bits, both SPU's defaults; default sigmoid; nothing proven",
        "network": "loopback, no TLS; shares go between client and parties in local pipes, not over the network",
        "errors": "against ONNX Runtime",
        "bytes": "of what the parties send one another, without HTTP's headers; the client's are not counted",
        "times": "the client's; `protocol_s` is the slowest party's run, and what neither it nor sharing and revealing "
        "take is this benchmark's own pipes",
    },
    "crypten": {
        "setting": "two parties that do not collude, and a dealer that colludes with neither; semi-honest",
        "processes": "two parties, of which one is the client and one the model's owner, and the dealer",
        "holds": "each party: one of two shares, and in clear what is its own",
        "learns": "the client: the answers and the shape of the model; owner and dealer: that shape, and how many rows",
        "numbers": "64 bits with 16 fraction bits, CrypTen's default; default sigmoid; nothing proven",
        "network": "loopback, no TLS",
        "errors": "against ONNX Runtime",
        "bytes": "of what owner, client and dealer send one another, as the owner counts; sharing and revealing too",
        "times": "the client's; `protocol_s` is without sharing and revealing",
    },
}

# Why a system has no numbers for trees.
NO_TREES = {
    "spu": "SPU runs what JAX compiles and reads no file of trees; the layer above it that has trees (secretflow) has "
    "only pre-releases on PyPI",
    "crypten": "its reader of ONNX has no operator for trees",
}
