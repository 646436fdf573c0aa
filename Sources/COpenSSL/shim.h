#pragma once
// OpenSSL 3.x without what it has deprecated. The wrappers below stand for what Swift cannot see: macros with
// arguments, options that such a macro computes, and typed stacks.
#define OPENSSL_API_COMPAT 30000
#define OPENSSL_NO_DEPRECATED
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/// Keeps OpenSSL from reading openssl.cnf. Has no effect once OpenSSL is initialized.
static inline void hubrelay_tls_ignore_configuration(void) {
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

/// Sets the options of every context: no renegotiation, which TLS 1.2 has and Redis never asks for, no compression, and
/// no session cache.
static inline void hubrelay_tls_set_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

/// Lets sessions read as much of what has come as their buffer holds, at least one record, instead of a record's header
/// and then the record. A larger buffer costs more than it saves: the bytes that are left in it are moved at each
/// record.
static inline void hubrelay_tls_set_read_ahead(SSL_CTX *context) { SSL_CTX_set_read_ahead(context, 1); }

/// Returns 1 if both versions, TLS1_2_VERSION or TLS1_3_VERSION, are accepted.
static inline int hubrelay_tls_set_versions(SSL_CTX *context, int minimum, int maximum) {
    return SSL_CTX_set_min_proto_version(context, minimum) == 1 && SSL_CTX_set_max_proto_version(context, maximum) == 1;
}

/// Adds a certificate that is sent after the context's own, as part of its chain. Returns 1 on success. The caller
/// keeps its reference to the certificate.
static inline int hubrelay_tls_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

/// Sets the name that is sent to say which server is wanted (RFC 6066, 3). Returns 1 on success.
static inline int hubrelay_tls_set_server_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}

/// Says whether the last read got nothing and is to be tried again once there is more (1), or got something (0).
static inline void hubrelay_bio_set_retry_read(BIO *bio, int isRetry) {
    BIO_clear_retry_flags(bio);
    if (isRetry) BIO_set_retry_read(bio);
}

/// The subject alternative names of a certificate, to be freed by `hubrelay_tls_free_names`; null if it has none.
static inline GENERAL_NAMES *hubrelay_tls_names(const X509 *certificate) {
    return (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}

static inline int hubrelay_tls_name_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }

/// The bytes of a name. Returns its kind: GEN_DNS or GEN_IPADD, or 0 for any other, without bytes. They live as long as
/// `names`.
static inline int hubrelay_tls_name(const GENERAL_NAMES *names, int index, const unsigned char **bytes, int *count) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    const ASN1_STRING *text = name->type == GEN_DNS ? name->d.dNSName
        : name->type == GEN_IPADD ? name->d.iPAddress : NULL;
    *bytes = text == NULL ? NULL : ASN1_STRING_get0_data(text);
    *count = text == NULL ? 0 : ASN1_STRING_length(text);
    return text == NULL ? 0 : name->type;
}

static inline void hubrelay_tls_free_names(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }
