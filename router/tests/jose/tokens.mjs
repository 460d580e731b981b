// Prints, as JSON: the public keys of an issuer, a secret that another issuer shares with the router, and tokens with what the router
// must say of each: null if it accepts the token, else the code of its refusal.
import { createHmac, randomBytes } from "node:crypto";
import {
    CompactSign,
    EncryptJWT,
    SignJWT,
    UnsecuredJWT,
    exportJWK,
    exportSPKI,
    generateKeyPair,
    importPKCS8,
} from "jose";

const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
const ISSUER = "https://id.example/";
const LEGACY = "https://legacy.example/";

const keys = {};
for (const alg of ALGORITHMS) {
    keys[alg] = await generateKeyPair(alg, { extractable: true });
}
const jwks = { keys: [] };
for (const [alg, { publicKey }] of Object.entries(keys)) {
    jwks.keys.push({ ...(await exportJWK(publicKey)), kid: alg, alg, use: "sig" });
}
// One that does not say its algorithm, and one that encrypts.
const open = await generateKeyPair("RS256", { extractable: true });
jwks.keys.push({ ...(await exportJWK(open.publicKey)), kid: "open" });
const encrypting = await generateKeyPair("RSA-OAEP-256", { extractable: true });
jwks.keys.push({ ...(await exportJWK(encrypting.publicKey)), kid: "enc", use: "enc" });

const secret = randomBytes(64).toString("hex");
const utf8 = (text) => new TextEncoder().encode(text);
const base64url = (value) => Buffer.from(value).toString("base64url");
const now = Math.floor(Date.now() / 1000);

const usual = { iss: ISSUER, aud: "shop", sub: "grace", exp: now + 600 };
const without = (...names) => Object.fromEntries(Object.entries(usual).filter(([name]) => !names.includes(name)));
const sign = (claims = usual, header = { alg: "ES256", kid: "ES256" }, key = keys[header.alg]?.privateKey) =>
    new SignJWT(claims).setProtectedHeader(header).sign(key);
/** Signs bytes that need not be JSON. */
const signBytes = (payload, header = { alg: "ES256", kid: "ES256" }) =>
    new CompactSign(typeof payload === "string" ? utf8(payload) : payload)
        .setProtectedHeader(header)
        .sign(keys[header.alg].privateKey);
/** A token whose header is text that no library would write, signed as HMAC says. */
const forged = (header, payload, key) => {
    const message = `${base64url(header)}.${base64url(payload)}`;
    return `${message}.${createHmac("sha256", key).update(message).digest("base64url")}`;
};

const tokens = [];
const add = (name, token, expected = null) => tokens.push({ name, token, expected });

// Good ones.
for (const alg of ALGORITHMS) {
    add(alg, await sign(usual, { alg, kid: alg }));
}
for (const alg of ["RS256", "PS512"]) {
    add(`a key for all of RSA, with ${alg}`, await sign(usual, { alg, kid: "open" }, alg === "RS256" ? open.privateKey : await as(open, alg)));
}
for (const alg of ["HS256", "HS384", "HS512"]) {
    add(alg, await sign({ ...usual, iss: LEGACY }, { alg }, utf8(secret)));
}
add("without kid", await sign(usual, { alg: "ES384" }));
add("one of several audiences", await sign({ ...usual, aud: ["bank", "till"] }));
add("typ JWT", await sign(usual, { alg: "ES256", kid: "ES256", typ: "JWT" }));
add("typ at+jwt", await sign(usual, { alg: "ES256", kid: "ES256", typ: "at+jwt" }));
add("within the skew", await sign({ ...usual, exp: now - 5, nbf: now + 20 }));

// Bad ones.
const good = await sign();
const [header, payload, signature] = good.split(".");
const stranger = await generateKeyPair("ES256");
const strangerJwk = await exportJWK(stranger.publicKey);
const pem = await exportSPKI(keys.RS256.publicKey);
const json = JSON.stringify;
const flip = (text, at) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);

add("alg none", new UnsecuredJWT(usual).encode(), "JWT_ALGORITHM_NOT_ACCEPTED");
for (const none of ["None", "NONE", "nOnE", ""]) {
    add(`alg "${none}"`, `${base64url(json({ alg: none, kid: "ES256" }))}.${payload}.`, "JWT_ALGORITHM_NOT_ACCEPTED");
}
add("alg none with a good signature", `${base64url('{"alg":"none","kid":"ES256"}')}.${payload}.${signature}`, "JWT_ALGORITHM_NOT_ACCEPTED");
add("no alg", `${base64url('{"kid":"ES256"}')}.${payload}.${signature}`, "JWT_MALFORMED");
add("alg twice", `${base64url('{"alg":"none","alg":"ES256","kid":"ES256"}')}.${payload}.${signature}`, "JWT_MALFORMED");
add("an unknown alg", `${base64url('{"alg":"ES256K","kid":"ES256"}')}.${payload}.${signature}`, "JWT_ALGORITHM_NOT_ACCEPTED");
add("HS256 with the public key as PEM", forged('{"alg":"HS256","kid":"RS256"}', json(usual), pem), "JWT_ALGORITHM_NOT_ACCEPTED");
add("HS256 with the public key as JWK", forged('{"alg":"HS256","kid":"RS256"}', json(usual), json(jwks.keys[0])), "JWT_ALGORITHM_NOT_ACCEPTED");
add("HS256 with the modulus", forged('{"alg":"HS256","kid":"RS256"}', json(usual), Buffer.from(jwks.keys[0].n, "base64url")), "JWT_ALGORITHM_NOT_ACCEPTED");
add("HS256 with an empty secret", forged('{"alg":"HS256"}', json({ ...usual, iss: LEGACY }), ""), "JWT_SIGNATURE_INVALID");
add("HS256 with another secret", await sign({ ...usual, iss: LEGACY }, { alg: "HS256" }, randomBytes(32)), "JWT_SIGNATURE_INVALID");
add("ES256 from the issuer with a secret", await sign({ ...usual, iss: LEGACY }), "JWT_KEY_UNKNOWN");
add("RS256 with a key for PS256", await sign(usual, { alg: "RS256", kid: "PS256" }), "JWT_ALGORITHM_NOT_ACCEPTED");
add("ES384 with a key for ES256", await sign(usual, { alg: "ES384", kid: "ES256" }), "JWT_ALGORITHM_NOT_ACCEPTED");
add("signed by a key that encrypts", await sign(usual, { alg: "RS256", kid: "enc" }, await as(encrypting, "RS256")), "JWT_KEY_UNKNOWN");
add("an unknown kid", await sign(usual, { alg: "ES256", kid: "ES257" }), "JWT_KEY_UNKNOWN");
add("a kid that is a path", await sign(usual, { alg: "ES256", kid: "../../dev/null" }), "JWT_KEY_UNKNOWN");
add("a kid that is a number", `${base64url('{"alg":"ES256","kid":1}')}.${payload}.${signature}`, "JWT_MALFORMED");
add("another's key of the same kid", await sign(usual, { alg: "ES256", kid: "ES256" }, stranger.privateKey), "JWT_SIGNATURE_INVALID");
add("another's key without kid", await sign(usual, { alg: "ES256" }, stranger.privateKey), "JWT_SIGNATURE_INVALID");
add("its own key in jwk", await sign(usual, { alg: "ES256", jwk: strangerJwk }, stranger.privateKey), "JWT_SIGNATURE_INVALID");
add("its own keys at jku", await sign(usual, { alg: "ES256", kid: "ES256", jku: "http://127.0.0.1:9/" }, stranger.privateKey), "JWT_SIGNATURE_INVALID");
add("its own certificate in x5c", await sign(usual, { alg: "ES256", kid: "ES256", x5c: ["MIIB"] }, stranger.privateKey), "JWT_SIGNATURE_INVALID");
add("expired", await sign({ ...usual, exp: now - 60 }), "JWT_EXPIRED");
add("expired in 1970", await sign({ ...usual, exp: 0 }), "JWT_EXPIRED");
add("without exp", await sign(without("exp")), "JWT_CLAIM_MISSING");
add("exp as text", await signBytes(json({ ...usual, exp: `${now + 600}` })), "JWT_CLAIM_INVALID");
add("exp null", await signBytes(json({ ...usual, exp: null })), "JWT_CLAIM_INVALID");
add("exp beyond all numbers", await signBytes(json(usual).replace(/"exp":\d+/, '"exp":1e400')), "JWT_MALFORMED");
add("in the future", await sign({ ...usual, nbf: now + 600 }), "JWT_NOT_YET_VALID");
add("another issuer", await sign({ ...usual, iss: "https://id.example.evil/" }), "JWT_ISSUER_NOT_ACCEPTED");
add("the issuer in another case", await sign({ ...usual, iss: "HTTPS://id.example/" }), "JWT_ISSUER_NOT_ACCEPTED");
add("without iss", await sign(without("iss")), "JWT_ISSUER_NOT_ACCEPTED");
add("iss as a list", await signBytes(json({ ...usual, iss: [ISSUER] })), "JWT_CLAIM_INVALID");
add("another audience", await sign({ ...usual, aud: "bank" }), "JWT_AUDIENCE_NOT_ACCEPTED");
add("an audience that begins like ours", await sign({ ...usual, aud: ["shop.evil", "shopping"] }), "JWT_AUDIENCE_NOT_ACCEPTED");
add("without aud", await sign(without("aud")), "JWT_CLAIM_MISSING");
add("aud as an object", await signBytes(json({ ...usual, aud: { shop: true } })), "JWT_CLAIM_INVALID");
add("claims twice", await signBytes(`${json(usual).slice(0, -1)},"sub":"ada"}`), "JWT_MALFORMED");
add("a claim twice inside", await signBytes(`${json(usual).slice(0, -1)},"a":{"b":1,"b":2}}`), "JWT_MALFORMED");
add("claims that are no JSON", await signBytes("sub=grace"), "JWT_MALFORMED");
add("claims that are a list", await signBytes("[]"), "JWT_MALFORMED");
add("claims that are not UTF-8", await signBytes(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])), "JWT_MALFORMED");
add("deep claims", await signBytes(`${'{"a":'.repeat(1500)}1${"}".repeat(1500)}`), "JWT_MALFORMED");
add("crit", await sign(usual, { alg: "ES256", kid: "ES256", crit: ["b64"], b64: true }), "JWT_UNSUPPORTED");
add("encrypted", await new EncryptJWT(usual).setProtectedHeader({ alg: "RSA-OAEP-256", enc: "A256GCM" }).encrypt(encrypting.publicKey), "JWT_UNSUPPORTED");
add("typ of a logout token", await sign(usual, { alg: "ES256", kid: "ES256", typ: "logout+jwt" }), "JWT_TYPE_NOT_ACCEPTED");
add("huge", await sign({ ...usual, x: "x".repeat(20_000) }), "JWT_TOO_LARGE");
add("truncated", good.slice(0, -6), "JWT_SIGNATURE_INVALID");
add("without signature", `${header}.${payload}.`, "JWT_SIGNATURE_INVALID");
add("with two parts", `${header}.${payload}`, "JWT_MALFORMED");
add("with four parts", `${good}.${signature}`, "JWT_MALFORMED");
add("signature of zeros", `${header}.${payload}.${base64url(Buffer.alloc(64))}`, "JWT_SIGNATURE_INVALID");
add("signature in DER", `${header}.${payload}.${base64url(der(Buffer.from(signature, "base64url")))}`, "JWT_SIGNATURE_INVALID");
add("signature with padding", `${good}==`, "JWT_MALFORMED");
add("signature with a flipped bit", `${header}.${payload}.${flip(signature, 10)}`, "JWT_SIGNATURE_INVALID");
add("claims of another token", `${header}.${(await sign({ ...usual, sub: "ada" })).split(".")[1]}.${signature}`, "JWT_SIGNATURE_INVALID");
add("words", "open-sesame", "JWT_MALFORMED");

/** The same private key for another algorithm: Web Crypto binds keys to one. */
async function as({ privateKey }, alg) {
    const bytes = Buffer.from(await crypto.subtle.exportKey("pkcs8", privateKey));
    return importPKCS8(`-----BEGIN PRIVATE KEY-----\n${bytes.toString("base64")}\n-----END PRIVATE KEY-----`, alg);
}

/** The same signature as other protocols write it (RFC 3279 §2.2.3). */
function der(raw) {
    const integer = (bytes) => {
        const value = bytes[0] & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
        return Buffer.concat([Buffer.from([2, value.length]), value]);
    };
    const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
    return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

console.log(json({ jwks, secret, tokens }));
