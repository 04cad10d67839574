/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STANDIN_H
#define STANDIN_H

#include <linux/version.h>
#include <linux/blkdev.h>
#include <linux/device.h>
#include <linux/workqueue.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

#define SECTOR 512
#define MAX_LUNS 16

/* Where the blocks of a disk lie: in memory, or on another block device. */
struct medium {
	u8 *data;
	struct block_device *bdev;
	u64 sectors;
	unsigned int number; /* of which the disk's identifier is made: paths to one disk share it */
};

struct lun {
	const char *vendor, *model;
	struct medium *medium;
	bool gone;
	struct work_struct removal;
};

struct controller {
	struct device dev;
	const char *class_id, *device_id;
	struct Scsi_Host *host;
	unsigned int luns;
	struct lun lun[MAX_LUNS];
};

/* What a command carries while it is not answered. */
struct pending {
	struct list_head list;
	struct delayed_work work;
	const struct trouble *trouble;
};

static inline struct scsi_cmnd *command_of(struct pending *pending)
{
	return (struct scsi_cmnd *)pending - 1;
}

static inline struct lun *lun_of(struct scsi_cmnd *cmd)
{
	struct controller *ctl = *(struct controller **)shost_priv(cmd->device->host);

	return &ctl->lun[cmd->device->lun];
}

extern struct workqueue_struct *workers;

/* bus.c */
extern bool write_cache, unmap;

/* medium.c: both answer the command, at once or later */
struct medium *new_medium(const char *backing);
void transfer(struct scsi_cmnd *cmd, u64 sector, u32 count, bool write);
void flush(struct scsi_cmnd *cmd);
void discard(struct scsi_cmnd *cmd);

/* command.c */
void execute(struct scsi_cmnd *cmd);
void reply(struct scsi_cmnd *cmd, const void *data, size_t length);

/* trouble.c */
const struct trouble *trouble_of(struct scsi_cmnd *cmd);
void fail_command(struct scsi_cmnd *cmd, const struct trouble *trouble);
bool is_held(struct scsi_cmnd *cmd);
bool is_silent(void);
void give_up(struct scsi_cmnd *cmd);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
enum scsi_qc_status queue(struct Scsi_Host *host, struct scsi_cmnd *cmd);
#else
int queue(struct Scsi_Host *host, struct scsi_cmnd *cmd);
#endif

#endif
