// SPDX-License-Identifier: GPL-2.0
/*
 * A stand-in for the VMBus and its storage, for guests that run anywhere.
 *
 * It registers a bus named `vmbus` with a driver named `hv_storvsc`, a SCSI
 * controller, a Fibre Channel adapter and a device without a driver, and below the
 * first two SCSI hosts with disks in memory. sysfs and udev then show what they show
 * on Hyper-V: the bus, class_id, device_id, parents, drivers, vendor and model.
 *
 * What it is not: no hypervisor, no channel, no ring buffer, no message to any host.
 * Limits (can_queue, number of hardware queues) are parameters, not computed from a
 * ring. There is no MODALIAS, so nothing loads the real drivers. Like the real bus
 * it refuses to load where the firmware does not say Hyper-V. It cannot be unloaded.
 *
 * Parameters, under /sys/module/hvtune_standin/parameters:
 *   can_queue, hw_queues, size_mb   of every host and disk, at load
 *   hold     N: answer no command for N seconds, re-arming every timer as storvsc
 *            does (0 ends it at once)
 *   fail     0: no error; 1: every read and write ends in a retryable error;
 *            2: in one that is not retried
 *   plain    1: leave expired timers to SCSI error handling and do not answer its reset,
 *            as storvsc of 3.10 did
 *   add      "scsi", "array" or "fc": a further disk
 */
#include <linux/version.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dmi.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include <linux/blkdev.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

#define SECTOR 512
#define STORVSC_TIMEOUT (180 * HZ)
#define MAX_LUNS 16

static unsigned int can_queue = 316;
module_param(can_queue, uint, 0444);
static unsigned int hw_queues = 1;
module_param(hw_queues, uint, 0444);
static unsigned int size_mb = 16;
module_param(size_mb, uint, 0444);
static unsigned int fail;
module_param(fail, uint, 0644);
static unsigned int plain;
module_param(plain, uint, 0644);

struct lun {
	const char *vendor, *model;
	u8 *data;
};

struct controller {
	struct device dev;
	const char *class_id, *device_id;
	struct Scsi_Host *host;
	unsigned int luns;
	struct lun lun[MAX_LUNS];
};

#define CLASS_SCSI "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f"
#define CLASS_FC "2f9bcc4a-0069-4af3-b76b-6fd0be528cda"
#define CLASS_SHUTDOWN "0e0b6031-5213-4934-818b-38d90ced39db"

static struct controller controllers[] = {
	{ .class_id = CLASS_SCSI, .device_id = "f8b3781a-1e82-4818-a1c3-63d806ec15bb" },
	{ .class_id = CLASS_FC, .device_id = "5f2e8a10-7c43-4d0b-9a51-2b8f0c6d1e01" },
	{ .class_id = CLASS_SHUTDOWN, .device_id = "b6650ff7-33bc-4840-8048-e0676786f393" },
};

/* ---- commands ---- */

struct pending {
	struct list_head list;
};

static LIST_HEAD(held);
static DEFINE_SPINLOCK(held_lock);
static bool holding;

static void answer(struct scsi_cmnd *cmd, const void *data, size_t length)
{
	length = min_t(size_t, length, scsi_bufflen(cmd));
	sg_copy_from_buffer(scsi_sglist(cmd), scsi_sg_count(cmd), (void *)data, length);
	scsi_set_resid(cmd, scsi_bufflen(cmd) - length);
}

static void refuse(struct scsi_cmnd *cmd, u8 key, u8 asc)
{
	scsi_build_sense(cmd, 0, key, asc, 0);
}

static void inquiry(struct scsi_cmnd *cmd, const struct lun *lun)
{
	u8 page[36] = { 0, 0, 6, 2, 31, 0, 0, 2 };
	static const u8 pages[] = { 0, 0, 0, 1, 0 };

	if (cmd->cmnd[1] & 1) {
		if (cmd->cmnd[2] == 0)
			answer(cmd, pages, sizeof(pages));
		else
			refuse(cmd, ILLEGAL_REQUEST, 0x24);
		return;
	}
	memset(page + 8, ' ', 28);
	memcpy(page + 8, lun->vendor, strlen(lun->vendor));
	memcpy(page + 16, lun->model, strlen(lun->model));
	memcpy(page + 32, "1.0 ", 4);
	answer(cmd, page, sizeof(page));
}

static void transfer(struct scsi_cmnd *cmd, struct lun *lun, u64 sector, u32 count, bool write)
{
	u64 limit = (u64)size_mb << 20;
	size_t length = min_t(size_t, (size_t)count * SECTOR, scsi_bufflen(cmd));

	if (sector * SECTOR + length > limit) {
		refuse(cmd, ILLEGAL_REQUEST, 0x21);
		return;
	}
	if (fail) {
		refuse(cmd, fail == 1 ? ABORTED_COMMAND : MEDIUM_ERROR, fail == 1 ? 0 : 0x11);
		return;
	}
	if (write)
		sg_copy_to_buffer(scsi_sglist(cmd), scsi_sg_count(cmd), lun->data + sector * SECTOR, length);
	else
		answer(cmd, lun->data + sector * SECTOR, length);
}

static void execute(struct scsi_cmnd *cmd)
{
	struct controller *ctl = *(struct controller **)shost_priv(cmd->device->host);
	struct lun *lun = &ctl->lun[cmd->device->lun];
	const u8 *c = cmd->cmnd;
	u64 last = ((u64)size_mb << 20) / SECTOR - 1;
	u8 reply[32] = { 0 };

	cmd->result = 0;
	switch (c[0]) {
	case TEST_UNIT_READY:
	case SYNCHRONIZE_CACHE:
	case START_STOP:
		break;
	case INQUIRY:
		inquiry(cmd, lun);
		break;
	case READ_CAPACITY:
		put_unaligned_be32(last, reply);
		put_unaligned_be32(SECTOR, reply + 4);
		answer(cmd, reply, 8);
		break;
	case SERVICE_ACTION_IN_16:
		put_unaligned_be64(last, reply);
		put_unaligned_be32(SECTOR, reply + 8);
		answer(cmd, reply, 32);
		break;
	case MODE_SENSE:
		reply[0] = 3;
		answer(cmd, reply, 4);
		break;
	case READ_10:
	case WRITE_10:
		transfer(cmd, lun, get_unaligned_be32(c + 2), get_unaligned_be16(c + 7), c[0] == WRITE_10);
		break;
	case READ_16:
	case WRITE_16:
		transfer(cmd, lun, get_unaligned_be64(c + 2), get_unaligned_be32(c + 10), c[0] == WRITE_16);
		break;
	default:
		refuse(cmd, ILLEGAL_REQUEST, 0x20);
	}
	scsi_done(cmd);
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
static enum scsi_qc_status queue(struct Scsi_Host *host, struct scsi_cmnd *cmd)
#else
static int queue(struct Scsi_Host *host, struct scsi_cmnd *cmd)
#endif
{
	struct pending *pending = scsi_cmd_priv(cmd);
	unsigned long flags;

	spin_lock_irqsave(&held_lock, flags);
	if (holding) {
		list_add_tail(&pending->list, &held);
		spin_unlock_irqrestore(&held_lock, flags);
		return 0;
	}
	spin_unlock_irqrestore(&held_lock, flags);
	execute(cmd);
	return 0;
}

static void release(struct work_struct *work)
{
	struct pending *pending;

	do {
		spin_lock_irq(&held_lock);
		holding = false;
		pending = list_first_entry_or_null(&held, struct pending, list);
		if (pending)
			list_del(&pending->list);
		spin_unlock_irq(&held_lock);
		if (pending)
			execute((struct scsi_cmnd *)pending - 1);
	} while (pending);
}

static DECLARE_DELAYED_WORK(release_work, release);

static int set_hold(const char *text, const struct kernel_param *param)
{
	unsigned int seconds;
	int err = kstrtouint(text, 0, &seconds);

	if (err)
		return err;
	spin_lock_irq(&held_lock);
	holding = seconds > 0;
	spin_unlock_irq(&held_lock);
	mod_delayed_work(system_wq, &release_work, seconds * HZ);
	return 0;
}

static const struct kernel_param_ops hold_ops = { .set = set_hold };
module_param_cb(hold, &hold_ops, NULL, 0200);

/* What error handling takes over is no longer ours to answer. */
static void give_up(struct scsi_cmnd *cmd)
{
	struct pending *pending = scsi_cmd_priv(cmd), *other, *next;
	unsigned long flags;

	spin_lock_irqsave(&held_lock, flags);
	list_for_each_entry_safe(other, next, &held, list)
		if (other == pending)
			list_del(&pending->list);
	spin_unlock_irqrestore(&held_lock, flags);
}

/* storvsc's own answer to an expired timer; it had none in 3.10 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
static enum scsi_timeout_action timed_out(struct scsi_cmnd *cmd)
{
	if (!plain)
		return SCSI_EH_RESET_TIMER;
	give_up(cmd);
	return SCSI_EH_NOT_HANDLED;
}
#else
static enum blk_eh_timer_return timed_out(struct scsi_cmnd *cmd)
{
	if (!plain)
		return BLK_EH_RESET_TIMER;
	give_up(cmd);
	return BLK_EH_DONE;
}
#endif

/* storvsc_host_reset_handler of 3.10: 5 s for the host's answer */
static int reset_host(struct scsi_cmnd *cmd)
{
	ssleep(5);
	return READ_ONCE(holding) ? TIMEOUT_ERROR : SUCCESS;
}

/* ---- hosts and disks ---- */

static int begin_disk(struct scsi_device *sdev)
{
	blk_queue_rq_timeout(sdev->request_queue, STORVSC_TIMEOUT);
	return 0;
}

static struct scsi_host_template template = {
	.module = THIS_MODULE,
	.name = "storvsc_host_t",
	.proc_name = "hv_storvsc",
	.cmd_size = sizeof(struct pending),
	.queuecommand = queue,
	.eh_timed_out = timed_out,
	.eh_host_reset_handler = reset_host,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 14, 0)
	.sdev_init = begin_disk,
#else
	.slave_alloc = begin_disk,
#endif
	.this_id = -1,
	.sg_tablesize = SG_ALL,
	.max_sectors = 1024,
};

static int add_disk_to(struct controller *ctl, const char *vendor, const char *model)
{
	struct lun *lun = &ctl->lun[ctl->luns];

	if (ctl->luns == MAX_LUNS)
		return -ENOSPC;
	lun->data = vzalloc((size_t)size_mb << 20);
	if (!lun->data)
		return -ENOMEM;
	lun->vendor = vendor;
	lun->model = model;
	return scsi_add_device(ctl->host, 0, 0, ctl->luns++);
}

static int set_add(const char *text, const struct kernel_param *param)
{
	if (!controllers[0].host || !controllers[1].host)
		return -ENODEV;
	if (sysfs_streq(text, "scsi"))
		return add_disk_to(&controllers[0], "Msft", "Virtual Disk");
	if (sysfs_streq(text, "array"))
		return add_disk_to(&controllers[0], "HITACHI", "OPEN-V");
	if (sysfs_streq(text, "fc"))
		return add_disk_to(&controllers[1], "DGC", "VRAID");
	return -EINVAL;
}

static const struct kernel_param_ops add_ops = { .set = set_add };
module_param_cb(add, &add_ops, NULL, 0200);

static int probe(struct device *dev)
{
	struct controller *ctl = container_of(dev, struct controller, dev);
	struct Scsi_Host *host = scsi_host_alloc(&template, sizeof(ctl));
	int err;

	if (!host)
		return -ENOMEM;
	*(struct controller **)shost_priv(host) = ctl;
	host->can_queue = can_queue;
	host->cmd_per_lun = min_t(unsigned int, can_queue, 2048);
	host->nr_hw_queues = hw_queues;
	host->max_lun = MAX_LUNS;
	host->max_id = 2;
	host->max_cmd_len = 16;
	ctl->host = host;
	err = scsi_add_host(host, dev);
	if (err) {
		scsi_host_put(host);
		ctl->host = NULL;
		return err;
	}
	if (!strcmp(ctl->class_id, CLASS_FC))
		return add_disk_to(ctl, "DGC", "VRAID");
	err = add_disk_to(ctl, "Msft", "Virtual Disk");
	return err ?: add_disk_to(ctl, "HITACHI", "OPEN-V");
}

/* ---- the bus ---- */

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
static int match(struct device *dev, const struct device_driver *driver)
#else
static int match(struct device *dev, struct device_driver *driver)
#endif
{
	struct controller *ctl = container_of(dev, struct controller, dev);

	return strcmp(ctl->class_id, CLASS_SHUTDOWN) != 0;
}

#define SHOW(name, ...)                                                                     \
	static ssize_t name##_show(struct device *dev, struct device_attribute *a, char *buf) \
	{                                                                                     \
		struct controller *ctl = container_of(dev, struct controller, dev);           \
		return sysfs_emit(buf, __VA_ARGS__);                                          \
	}                                                                                     \
	static DEVICE_ATTR_RO(name)

SHOW(class_id, "{%s}\n", ctl->class_id);
SHOW(device_id, "{%s}\n", ctl->device_id);
SHOW(id, "%td\n", ctl - controllers + 1);
SHOW(state, "%d\n", ctl->host ? 3 : 2);
SHOW(vendor, "0x%x\n", ctl ? 0x1414 : 0);
SHOW(device, "0x%x\n", ctl ? 0x0 : 0);

static struct attribute *vmbus_attrs[] = {
	&dev_attr_class_id.attr, &dev_attr_device_id.attr, &dev_attr_id.attr,
	&dev_attr_state.attr, &dev_attr_vendor.attr, &dev_attr_device.attr, NULL,
};
ATTRIBUTE_GROUPS(vmbus);

static struct bus_type vmbus = {
	.name = "vmbus",
	.match = match,
	.dev_groups = vmbus_groups,
};

static struct device_driver storvsc = {
	.name = "hv_storvsc",
	.bus = &vmbus,
	.owner = THIS_MODULE,
	.probe = probe,
};

static void no_release(struct device *dev)
{
}

static int __init standin_init(void)
{
	struct platform_device *parent;
	unsigned int i;
	int err;

	if (!dmi_match(DMI_SYS_VENDOR, "Microsoft Corporation") ||
	    !dmi_match(DMI_PRODUCT_NAME, "Virtual Machine"))
		return -ENODEV;
	err = bus_register(&vmbus);
	if (err)
		return err;
	parent = platform_device_register_simple("VMBUS:00", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(parent))
		return PTR_ERR(parent);
	err = driver_register(&storvsc);
	for (i = 0; !err && i < ARRAY_SIZE(controllers); i++) {
		struct device *dev = &controllers[i].dev;

		dev->bus = &vmbus;
		dev->parent = &parent->dev;
		dev->release = no_release;
		dev->dma_mask = &dev->coherent_dma_mask;
		dev->coherent_dma_mask = DMA_BIT_MASK(64);
		dev_set_name(dev, "%s", controllers[i].device_id);
		err = device_register(dev);
	}
	return err;
}
module_init(standin_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Stand-in for the VMBus and its storage, for tests");
