/* SPDX-License-Identifier: BSD-2-Clause */
/** @file
 * DRAFT. Audio: the front end's side (a sound device) and the back end's (a class of kind TN_K_AUDIODEV).
 */
#ifndef TENON_DRAFT_AUDIO_H
#define TENON_DRAFT_AUDIO_H
#include <tenon/base.h>
#ifdef __cplusplus
extern "C" {
#endif

struct tn_voice; /**< one stream of a front end */

/** Sample formats, little-endian */
enum { TN_AUD_U8 = 1, TN_AUD_S16, TN_AUD_S32, TN_AUD_F32 };
enum { TN_AUD_PLAYBACK = 0, TN_AUD_CAPTURE = 1 };
struct tn_audio_fmt {
    uint32_t struct_size, rate; /**< frames per second */
    uint32_t channels, sample;  /**< interleaved; TN_AUD_* */
};
/** Reactions of whoever opened a voice. */
struct tn_audio_ops {
    uint32_t struct_size, flags;
    /** [ctx][dev] rw() can move about so many bytes now */
    void (*room)(void *s, uint64_t bytes);
};

#define TN_AUDIO_1 "tenon.audio/1"
/** TN_AUDIO_1 */
struct tn_audio_host {
    uint32_t struct_size, rev;
    /** [main][vcpu][dev] dir TN_AUD_PLAYBACK or CAPTURE; the host converts. Starts inactive. Managed */
    int (*open)(struct tn_audio *a, struct tn_dev *d, const char *name, uint32_t dir, const struct tn_audio_fmt *f,
                const struct tn_audio_ops *o, void *s, struct tn_voice **out, struct tn_err *e);
    /** [ctx][dev] bytes moved, may be short; p is read for playback, written for capture. Never waits */
    int64_t (*rw)(struct tn_voice *v, void *p, uint64_t n);
    /** [ctx][vcpu][dev] the stream runs (1) or stands (0) */
    void (*active)(struct tn_voice *v, uint32_t on);
    /** [ctx][vcpu][dev] n channels, 0..255 each */
    void (*volume)(struct tn_voice *v, uint32_t mute, const uint8_t *per_channel, uint32_t n);
    /** [ctx][vcpu][dev] no room() comes afterwards */
    void (*close)(struct tn_voice *v);
};

/** bus_ops of a class of kind TN_K_AUDIODEV; its voices are its own words. */
struct tn_audio_backend {
    uint32_t struct_size, flags;
    /** [ctx][dev] *f may come back changed: the host converts. o->room may be called from the return on, in the back end's
     * home context, with its [dev]. NULL with e */
    void *(*open)(void *s, uint32_t dir, struct tn_audio_fmt *f, const struct tn_audio_ops *o, void *os, struct tn_err *e);
    /** [ctx][dev] as tn_audio_host.rw */
    int64_t (*rw)(void *voice, void *p, uint64_t n);
    /** [ctx][dev] the stream runs (1) or stands (0) */
    void (*active)(void *voice, uint32_t on);
    /** [ctx][dev] n channels, 0..255 each; NULL: the host scales */
    void (*volume)(void *voice, uint32_t mute, const uint8_t *per_channel, uint32_t n);
    /** [ctx][dev] no room() afterwards */
    void (*close)(void *voice);
};

#ifdef __cplusplus
}
#endif
#endif
