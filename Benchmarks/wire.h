// How the bytes of a connection travel: as they are, or with -DTLS encrypted, by OpenSSL. Calls are like those of sockets
// that do not block: -1 with EAGAIN while nothing can be done.
#pragma once
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#ifndef TLS

struct wire {};

static void wire_start(struct wire *wire, int fd) { (void)wire, (void)fd; }
static int wire_establish(struct wire *wire, int *wants_write) { return (void)wire, (void)wants_write, 1; }
static void wire_end(struct wire *wire) { (void)wire; }
static int wire_holds_more(const struct wire *wire) { return (void)wire, 0; }
static void wire_count_from_now(void) {}
static void wire_print(FILE *out) { (void)out; }

static ssize_t wire_send(struct wire *wire, int fd, const char *bytes, size_t length) {
    return (void)wire, send(fd, bytes, length, MSG_NOSIGNAL);
}

static ssize_t wire_receive(struct wire *wire, int fd, char *bytes, size_t length) {
    return (void)wire, recv(fd, bytes, length, 0);
}

#else
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct wire {
    SSL *ssl;
    SSL_SESSION *session;  // the newest ticket of this slot's connections
    int full;              // the last call to receive filled all it had, so there may be more that no poll tells
};

static int wire_resumes;
static unsigned long long wire_handshakes, wire_resumed;
static SSL_CTX *wire_context;
static char wire_terms[200];

static int wire_keep(SSL *ssl, SSL_SESSION *session) {
    struct wire *wire = SSL_get_app_data(ssl);
    SSL_SESSION_free(wire->session);
    wire->session = session;
    return 1;
}

static void wire_set_up(void) {
    wire_context = SSL_CTX_new(TLS_client_method());
    // One group and one cipher, so that all servers do the same work.
    if (!wire_context || !SSL_CTX_set_min_proto_version(wire_context, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(wire_context, "TLS_AES_128_GCM_SHA256") || !SSL_CTX_set1_groups_list(wire_context, "X25519")) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
    SSL_CTX_set_mode(wire_context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    // One system call for a record, not one for its head and one for the rest.
    SSL_CTX_set_read_ahead(wire_context, 1);
    if (wire_resumes) {
        SSL_CTX_set_session_cache_mode(wire_context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(wire_context, wire_keep);
    } else {
        SSL_CTX_set_session_cache_mode(wire_context, SSL_SESS_CACHE_OFF);
    }
}

static void wire_start(struct wire *wire, int fd) {
    if (!wire_context) wire_set_up();
    wire->full = 0;
    if (!(wire->ssl = SSL_new(wire_context)) || !SSL_set_fd(wire->ssl, fd)) abort();
    SSL_set_app_data(wire->ssl, wire);
    if (wire->session) SSL_set_session(wire->ssl, wire->session);
    SSL_set_connect_state(wire->ssl);
}

// What a call that did not work means: -1 with EAGAIN if it is to be made again.
static ssize_t wire_failure(struct wire *wire, int result) {
    int error = SSL_get_error(wire->ssl, result);
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
    return -1;
}

// 1 when the handshake is done, 0 when it goes on later, -1 when it has failed.
static int wire_establish(struct wire *wire, int *wants_write) {
    ERR_clear_error();
    int result = SSL_do_handshake(wire->ssl);
    if (result != 1) {
        *wants_write = SSL_want_write(wire->ssl);
        return wire_failure(wire, result) < 0 && errno == EAGAIN ? 0 : -1;
    }
    wire_handshakes++;
    wire_resumed += SSL_session_reused(wire->ssl) != 0;
    if (!*wire_terms) {
        snprintf(wire_terms, sizeof wire_terms, "%s %s %s", SSL_get_version(wire->ssl), SSL_get_cipher_name(wire->ssl),
                 OBJ_nid2sn(SSL_get_negotiated_group(wire->ssl) & 0xffff));
    }
    return 1;
}

static void wire_end(struct wire *wire) {
    if (!wire->ssl) return;
    // Says that it ends, and does not wait for the answer; without that its ticket would be void.
    ERR_clear_error();
    if (SSL_is_init_finished(wire->ssl)) SSL_shutdown(wire->ssl);
    SSL_free(wire->ssl);
    wire->ssl = NULL;
}

static ssize_t wire_send(struct wire *wire, int fd, const char *bytes, size_t length) {
    (void)fd;
    size_t sent;
    ERR_clear_error();
    if (SSL_write_ex(wire->ssl, bytes, length, &sent)) return (ssize_t)sent;
    if (!wire_failure(wire, 0)) errno = EPIPE;
    return -1;
}

static ssize_t wire_receive(struct wire *wire, int fd, char *bytes, size_t length) {
    (void)fd;
    size_t have = 0, got;
    ERR_clear_error();
    // To the end of what has come: what the library holds back no poll tells.
    while (have < length && SSL_read_ex(wire->ssl, bytes + have, length - have, &got)) have += got;
    wire->full = have == length;
    return have ? (ssize_t)have : wire_failure(wire, 0);
}

static int wire_holds_more(const struct wire *wire) { return wire->full; }

static void wire_count_from_now(void) { wire_handshakes = wire_resumed = 0; }

static void wire_print(FILE *out) {
    fprintf(out, ",\"handshakes\":%llu,\"resumed\":%llu,\"terms\":\"%s\"", wire_handshakes, wire_resumed, wire_terms);
}

#endif
