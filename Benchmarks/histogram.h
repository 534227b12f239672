// A histogram of nanoseconds whose buckets grow with the value: 128 for each power of two, so that a value is known to
// within 0.8 % whatever its size, and recording costs no more than an addition.
#pragma once
#include <stdint.h>
#include <stdio.h>

enum { HISTOGRAM_BITS = 7, HISTOGRAM_BUCKETS = (64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS };

struct histogram {
    uint64_t bucket[HISTOGRAM_BUCKETS];
    uint64_t count, largest;
};

static unsigned histogram_index(uint64_t value) {
    if (value < 1u << HISTOGRAM_BITS) return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_BITS;
    return (shift + 1) << HISTOGRAM_BITS | (unsigned)(value >> shift & ((1u << HISTOGRAM_BITS) - 1));
}

// The largest value that falls into a bucket: percentiles are never flattered.
static uint64_t histogram_highest(unsigned index) {
    if (index < 1u << HISTOGRAM_BITS) return index;
    unsigned shift = (index >> HISTOGRAM_BITS) - 1;
    uint64_t mantissa = (1u << HISTOGRAM_BITS) | (index & ((1u << HISTOGRAM_BITS) - 1));
    return (mantissa << shift) + (1ull << shift) - 1;
}

static void histogram_record(struct histogram *histogram, uint64_t nanoseconds) {
    histogram->bucket[histogram_index(nanoseconds)]++;
    histogram->count++;
    if (nanoseconds > histogram->largest) histogram->largest = nanoseconds;
}

// JSON: pairs of a bucket's highest value in nanoseconds and its count.
static void histogram_print(const struct histogram *histogram, FILE *out) {
    const char *separator = "";
    fputc('[', out);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (!histogram->bucket[i]) continue;
        uint64_t value = histogram_highest(i);
        if (value > histogram->largest) value = histogram->largest;
        fprintf(out, "%s[%llu,%llu]", separator, (unsigned long long)value, (unsigned long long)histogram->bucket[i]);
        separator = ",";
    }
    fputc(']', out);
}
