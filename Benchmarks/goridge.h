// The frames of Goridge v3, as much as a benchmark needs. Little-endian machines only.
//
// byte 0: version 1 in the high half, header length in 32-bit words in the low; 1: flags; 2-5: payload length;
// 6-9: CRC32 of bytes 0-5; 10-11: 0; then options of 32 bits, here the length of the context; then the payload.
#pragma once
#include <stdint.h>
#include <string.h>

enum { GORIDGE_FIXED = 12, GORIDGE_WITH_OPTION = 16 };

static uint32_t load32(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return value;
}

static void store32(uint8_t *at, uint32_t value) { memcpy(at, &value, 4); }

// CRC32 (IEEE) of the six bytes that a header checks, half a byte at a time: the table stays in two cache lines.
static uint32_t goridge_checksum(const uint8_t *header) {
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t sum = 0xffffffff;
    for (int i = 0; i < 6; i++) {
        sum ^= header[i];
        sum = table[sum & 15] ^ sum >> 4;
        sum = table[sum & 15] ^ sum >> 4;
    }
    return ~sum;
}

static inline uint32_t goridge_header_length(const uint8_t *frame) { return (frame[0] & 15u) * 4; }
static inline uint32_t goridge_payload_length(const uint8_t *frame) { return load32(frame + 2); }
static inline int goridge_is_control(const uint8_t *frame) { return frame[1] & 1; }

static inline uint32_t goridge_option(const uint8_t *frame) {
    return goridge_header_length(frame) < GORIDGE_WITH_OPTION ? 0 : load32(frame + GORIDGE_FIXED);
}

// Of the frame that starts here; with too little to tell, the length of the header.
static inline size_t goridge_frame_length(const uint8_t *frame, size_t have) {
    if (have < GORIDGE_FIXED) return GORIDGE_FIXED;
    return (size_t)goridge_header_length(frame) + goridge_payload_length(frame);
}

static inline size_t goridge_start(uint8_t *out, int words, int flags, uint32_t length) {
    out[0] = (uint8_t)(1 << 4 | words);
    out[1] = (uint8_t)flags;
    store32(out + 2, length);
    store32(out + 6, goridge_checksum(out));
    out[10] = out[11] = 0;
    return GORIDGE_FIXED;
}

// Both return how many bytes they wrote.
static inline size_t goridge_control_header(uint8_t *out, uint32_t length) { return goridge_start(out, 3, 1, length); }

static inline size_t goridge_header(uint8_t *out, uint32_t context, uint32_t body) {
    goridge_start(out, 4, 0, context + body);
    store32(out + GORIDGE_FIXED, context);
    return GORIDGE_WITH_OPTION;
}
