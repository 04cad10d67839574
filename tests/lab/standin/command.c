// SPDX-License-Identifier: GPL-2.0
/* What a disk of the stand-in answers to each command when nothing is wrong with it. */
#include "standin.h"

#define LBPME 0x80 /* byte 14 of READ CAPACITY (16): blocks can be unmapped */
#define WCE 0x04   /* byte 2 of the caching page: what is written may still be in a cache */

void reply(struct scsi_cmnd *cmd, const void *data, size_t length)
{
	length = min_t(size_t, length, scsi_bufflen(cmd));
	sg_copy_from_buffer(scsi_sglist(cmd), scsi_sg_count(cmd), (void *)data, length);
	scsi_set_resid(cmd, scsi_bufflen(cmd) - length);
}

static void refuse(struct scsi_cmnd *cmd, u8 code)
{
	scsi_build_sense(cmd, 0, ILLEGAL_REQUEST, code, 0);
}

/* Identifiers as Hyper-V makes them: NAA 6, Microsoft's number, then the disk's own. */
static void vital_page(struct scsi_cmnd *cmd, const struct lun *lun)
{
	u8 page[64] = { 0, cmd->cmnd[2] };

	switch (page[1]) {
	case 0x00:
		memcpy(page + 4, "\x00\x80\x83\xb0\xb2", 5);
		page[3] = unmap ? 5 : 3;
		break;
	case 0x80:
		page[3] = snprintf(page + 4, 17, "standin%09u", lun->medium->number);
		break;
	case 0x83:
		memcpy(page + 4, "\x01\x03\x00\x10\x60\x02\x24\x80", 8);
		put_unaligned_be32(lun->medium->number, page + 20);
		page[3] = 20;
		break;
	case 0xb0:
		page[3] = 60;
		put_unaligned_be32(2048 * 1024, page + 20); /* blocks and ranges of one UNMAP */
		put_unaligned_be32(64, page + 24);
		break;
	case 0xb2:
		page[3] = 4;
		page[5] = 0x80;
		break;
	default:
		refuse(cmd, 0x24);
		return;
	}
	reply(cmd, page, 4 + page[3]);
}

static void inquiry(struct scsi_cmnd *cmd, const struct lun *lun)
{
	u8 page[36] = { 0, 0, 6, 2, 31, 0, 0, 2 };

	if (cmd->cmnd[1] & 1) {
		vital_page(cmd, lun);
		return;
	}
	memset(page + 8, ' ', 28);
	memcpy(page + 8, lun->vendor, strlen(lun->vendor));
	memcpy(page + 16, lun->model, strlen(lun->model));
	memcpy(page + 32, "1.0 ", 4);
	reply(cmd, page, sizeof(page));
}

/* MODE SENSE (6): the caching page where a write cache is reported, else no page. */
static void mode_sense(struct scsi_cmnd *cmd)
{
	u8 page[24] = { 3 };

	if (write_cache) {
		page[0] = 23;
		page[4] = 0x08;
		page[5] = 0x12;
		page[6] = WCE;
	}
	reply(cmd, page, page[0] + 1);
}

static void capacity(struct scsi_cmnd *cmd, u64 last)
{
	u8 page[32] = { 0 };

	if (cmd->cmnd[0] == READ_CAPACITY) {
		put_unaligned_be32(min_t(u64, last, U32_MAX), page);
		put_unaligned_be32(SECTOR, page + 4);
		reply(cmd, page, 8);
		return;
	}
	put_unaligned_be64(last, page);
	put_unaligned_be32(SECTOR, page + 8);
	page[14] = unmap ? LBPME : 0;
	reply(cmd, page, sizeof(page));
}

/* What of sense there is was sent with each answer. */
static void request_sense(struct scsi_cmnd *cmd)
{
	u8 page[18] = { 0x70, 0, NO_SENSE, 0, 0, 0, 0, 10 };

	reply(cmd, page, sizeof(page));
}

void execute(struct scsi_cmnd *cmd)
{
	struct lun *lun = lun_of(cmd);
	const u8 *c = cmd->cmnd;

	cmd->result = 0;
	switch (c[0]) {
	case READ_10:
	case WRITE_10:
		transfer(cmd, get_unaligned_be32(c + 2), get_unaligned_be16(c + 7), c[0] == WRITE_10);
		return;
	case READ_16:
	case WRITE_16:
		transfer(cmd, get_unaligned_be64(c + 2), get_unaligned_be32(c + 10), c[0] == WRITE_16);
		return;
	case SYNCHRONIZE_CACHE:
		flush(cmd);
		return;
	case UNMAP:
		discard(cmd);
		return;
	case TEST_UNIT_READY:
	case START_STOP:
		break;
	case INQUIRY:
		inquiry(cmd, lun);
		break;
	case READ_CAPACITY:
	case SERVICE_ACTION_IN_16:
		capacity(cmd, lun->medium->sectors - 1);
		break;
	case MODE_SENSE:
		mode_sense(cmd);
		break;
	case REQUEST_SENSE:
		request_sense(cmd);
		break;
	default:
		refuse(cmd, 0x20);
	}
	scsi_done(cmd);
}
