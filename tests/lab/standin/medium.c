// SPDX-License-Identifier: GPL-2.0
/* The blocks of a disk: read, written, flushed and discarded, in memory or on a block device. */
#include <linux/bio.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/moduleparam.h>
#include <linux/vmalloc.h>
#include "standin.h"

/* What lies before the disk's first block on its backing device: so only the disk shows a signature. */
#define LEAD (1 << 20)

static unsigned int size_mb = 16;
module_param(size_mb, uint, 0444);

/* The driver of the backing device may still be looking at it. */
static struct block_device *open_backing(const char *path)
{
	struct file *file;
	unsigned int tries = 300;

	do {
		file = filp_open(path, O_RDWR | O_EXCL | O_LARGEFILE, 0);
		if (!IS_ERR(file) || !--tries)
			break;
		msleep(100);
	} while (true);
	if (IS_ERR(file)) {
		pr_err("hvtune_standin: %s cannot be opened: %ld\n", path, PTR_ERR(file));
		return ERR_CAST(file);
	}
	return I_BDEV(file->f_mapping->host); /* open for as long as the module is there */
}

struct medium *new_medium(const char *backing)
{
	static unsigned int number;
	struct medium *medium = kzalloc(sizeof(*medium), GFP_KERNEL);

	if (!medium)
		return NULL;
	medium->number = ++number;
	if (backing) {
		medium->bdev = open_backing(backing);
		if (!IS_ERR(medium->bdev)) {
			medium->sectors = bdev_nr_sectors(medium->bdev) - LEAD / SECTOR;
			return medium;
		}
	} else {
		medium->sectors = ((u64)size_mb << 20) / SECTOR;
		medium->data = vzalloc(medium->sectors * SECTOR);
		if (medium->data)
			return medium;
	}
	kfree(medium);
	return NULL;
}

static void finished(struct bio *bio)
{
	struct scsi_cmnd *cmd = bio->bi_private;

	if (bio->bi_status)
		scsi_build_sense(cmd, 0, HARDWARE_ERROR, 0x44, 0);
	bio_put(bio);
	scsi_done(cmd);
}

/* The command's own pages go down: no copy. */
static void pass_on(struct work_struct *work)
{
	struct pending *pending = container_of(to_delayed_work(work), struct pending, work);
	struct scsi_cmnd *cmd = command_of(pending);
	struct block_device *bdev = lun_of(cmd)->medium->bdev;
	bool is_flush = cmd->cmnd[0] == SYNCHRONIZE_CACHE;
	blk_opf_t op = cmd->sc_data_direction == DMA_TO_DEVICE ? REQ_OP_WRITE : REQ_OP_READ;
	struct bio *bio = bio_alloc(bdev, is_flush ? 0 : scsi_sg_count(cmd),
				    is_flush ? REQ_OP_WRITE | REQ_PREFLUSH : op | REQ_SYNC, GFP_NOIO);
	struct scatterlist *sg;
	int i;

	bio->bi_end_io = finished;
	bio->bi_private = cmd;
	if (!is_flush) {
		bool is_long = cmd->cmnd[0] == READ_16 || cmd->cmnd[0] == WRITE_16;
		u64 sector = is_long ? get_unaligned_be64(cmd->cmnd + 2) : get_unaligned_be32(cmd->cmnd + 2);

		bio->bi_iter.bi_sector = sector + LEAD / SECTOR;
		scsi_for_each_sg(cmd, sg, scsi_sg_count(cmd), i)
			__bio_add_page(bio, sg_page(sg), sg->length, sg->offset);
	}
	submit_bio(bio);
}

static void later(struct scsi_cmnd *cmd)
{
	struct pending *pending = scsi_cmd_priv(cmd);

	INIT_DELAYED_WORK(&pending->work, pass_on);
	queue_delayed_work(workers, &pending->work, 0);
}

void transfer(struct scsi_cmnd *cmd, u64 sector, u32 count, bool write)
{
	struct medium *medium = lun_of(cmd)->medium;
	size_t length = min_t(size_t, (size_t)count * SECTOR, scsi_bufflen(cmd));

	if (sector + count > medium->sectors) {
		scsi_build_sense(cmd, 0, ILLEGAL_REQUEST, 0x21, 0);
	} else if (medium->bdev) {
		later(cmd);
		return;
	} else if (write) {
		sg_copy_to_buffer(scsi_sglist(cmd), scsi_sg_count(cmd), medium->data + sector * SECTOR, length);
	} else {
		reply(cmd, medium->data + sector * SECTOR, length);
	}
	scsi_done(cmd);
}

void flush(struct scsi_cmnd *cmd)
{
	if (lun_of(cmd)->medium->bdev)
		later(cmd);
	else
		scsi_done(cmd);
}

/* Memory is zeroed; a backing device keeps what it has, as a disk may. */
void discard(struct scsi_cmnd *cmd)
{
	struct medium *medium = lun_of(cmd)->medium;
	u8 list[8 + 16 * 64] = { 0 }, *range = list + 8;
	size_t length = sg_copy_to_buffer(scsi_sglist(cmd), scsi_sg_count(cmd), list, sizeof(list));

	for (; medium->data && range + 16 <= list + length; range += 16) {
		u64 sector = get_unaligned_be64(range);
		u32 count = get_unaligned_be32(range + 8);

		if (sector + count <= medium->sectors)
			memset(medium->data + sector * SECTOR, 0, (size_t)count * SECTOR);
	}
	scsi_done(cmd);
}
