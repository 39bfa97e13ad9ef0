#include <pthread.h>
#include <stdlib.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "block.h"
#include "err.h"
#include "limits.h"

#define LEVEL 1
#define WINDOW_LOG 16		/* a block is no larger */
#define LEAST 64		/* below this a frame's own bytes eat what it saves */

#define SAMPLE 512		/* bytes */
#define EVEN 1800		/* see is_even() */

#define REST_MAX 8		/* contexts kept for the next one */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block_ctx *resting;	/* guarded by lock, as is: */
static unsigned count;

void
block_ctx_release(struct block_ctx *ctx)
{
	ZSTD_freeCCtx(ctx->packer);
	ZSTD_freeDCtx(ctx->unpacker);
	*ctx = (struct block_ctx) BLOCK_CTX_INIT;
}

struct block_ctx *
block_ctx_take(void)
{
	struct block_ctx *ctx;

	pthread_mutex_lock(&lock);
	if ((ctx = resting)) {
		resting = ctx->next;
		count--;
	}
	pthread_mutex_unlock(&lock);
	return ctx ? ctx : calloc(1, sizeof(*ctx));
}

void
block_ctx_give(struct block_ctx *ctx)
{
	if (!ctx)
		return;
	pthread_mutex_lock(&lock);
	if (count < REST_MAX) {
		ctx->next = resting;
		resting = ctx;
		count++;
		ctx = NULL;
	}
	pthread_mutex_unlock(&lock);
	if (ctx) {
		block_ctx_release(ctx);
		free(ctx);
	}
}

void
block_ctx_trim(void)
{
	struct block_ctx *ctx, *next;

	pthread_mutex_lock(&lock);
	ctx = resting;
	resting = NULL;
	count = 0;
	pthread_mutex_unlock(&lock);
	for (; ctx; ctx = next) {
		next = ctx->next;
		block_ctx_release(ctx);
		free(ctx);
	}
}

static ZSTD_CCtx *
packer_new(void)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();

	if (!z)
		return NULL;
	if (ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, WINDOW_LOG)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 0))) {
		ZSTD_freeCCtx(z);
		return NULL;
	}
	return z;
}

/*
 * Whether bytes from all over a block are spread as evenly as random ones, or what was packed before: then trying would be in vain, and for
 * small blocks dear. The squares of 512 random bytes' counts add up to 1,534, give or take 45; where coding saves a sixteenth (7.5 bits a
 * byte), to 1,950 at least.
 */
static bool
is_even(const uint8_t *bytes, size_t len)
{
	uint16_t counts[256] = { 0 };
	size_t step = len / SAMPLE;
	unsigned sum = 0;

	if (!step)
		return false;
	for (size_t i = 0; i < SAMPLE; i++, bytes += step)
		sum += 2u * counts[*bytes]++ + 1;
	return sum < EVEN;
}

size_t
block_pack(struct block_ctx *ctx, const void *bytes, size_t len, void *out)
{
	size_t packed;

	if (len < LEAST || len > BLOCK_SIZE || is_even(bytes, len))
		return 0;
	if (!ctx->packer && !(ctx->packer = packer_new()))
		return 0;
	/* Room for what pays and no more: zstd gives up when that is spent. */
	packed = ZSTD_compress2(ctx->packer, out, len - len / 16, bytes, len);
	return ZSTD_isError(packed) ? 0 : packed;
}

int
block_unpack(struct block_ctx *ctx, const void *packed, size_t len, void *raw, size_t rawlen)
{
	size_t got;

	if (!ctx->unpacker && !(ctx->unpacker = ZSTD_createDCtx()))
		return ERR_NOMEM;
	got = ZSTD_decompressDCtx(ctx->unpacker, raw, rawlen, packed, len);
	if (ZSTD_isError(got) && ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation)
		return ERR_NOMEM;
	return !ZSTD_isError(got) && got == rawlen ? 0 : ERR_CORRUPT;
}
