// SPDX-License-Identifier: GPL-2.0
/*
 * A stand-in for the VMBus and its storage, for guests that run anywhere.
 *
 * It registers a bus named `vmbus` with a driver named `hv_storvsc`, a SCSI
 * controller, a Fibre Channel adapter and a device without a driver, and below the
 * first two SCSI hosts with disks in memory or on another block device. sysfs and udev
 * then show what they show on Hyper-V: the bus, class_id, device_id, parents, drivers,
 * vendor and model.
 *
 * What it is not: no hypervisor, no channel, no ring buffer, no message to any host.
 * Limits (can_queue, number of hardware queues) are parameters, not computed from a
 * ring. There is no MODALIAS, so nothing loads the real drivers. Like the real bus
 * it refuses to load where the firmware does not say Hyper-V. It cannot be unloaded.
 *
 * Parameters, under /sys/module/hvtune_standin/parameters:
 *   can_queue, hw_queues, size_mb   of every host and disk, at load
 *   backing      block devices with commas, at load: for each there is a Msft disk that lies on it,
 *                1 MiB behind its beginning; a disk without one lies in memory
 *   write_cache  Y: the disks report a write cache (when they are scanned)
 *   unmap        Y: blocks can be unmapped (the same)
 *   add          "scsi", "array" or "fc": a further disk; "path": a further way to the disk
 *                that was added last
 *   take, give   a LUN of the SCSI controller: the host takes the disk away, or gives it back
 *   hold         N: answer no command for N seconds, re-arming every timer as storvsc
 *                does (0 ends it at once)
 *   fail         the name of a trouble (trouble.c): the commands meant are answered with it; none
 *   fail_kinds   commands that are meant: read, write, tur, flush, unmap, with commas (read,write)
 *   fail_for     seconds after which a trouble that is asked for next ends by itself; 0: never
 *   fail_lun     the LUN that is meant; -1: all
 *   first_sector, last_sector   reads and writes that begin there are meant
 *   delay_ms     so long each of these answers takes
 *   tries        commands that were answered so; 0 may be written
 *   plain        1: leave expired timers to SCSI error handling and do not answer its reset,
 *                as storvsc of 3.10 did
 */
#include <linux/delay.h>
#include <linux/dmi.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include "standin.h"

#define STORVSC_TIMEOUT (180 * HZ)

static unsigned int can_queue = 316;
module_param(can_queue, uint, 0444);
static unsigned int hw_queues = 1;
module_param(hw_queues, uint, 0444);
static unsigned int plain;
module_param(plain, uint, 0644);
static char *backing[MAX_LUNS];
module_param_array(backing, charp, NULL, 0444);
bool write_cache, unmap;
module_param(write_cache, bool, 0644);
module_param(unmap, bool, 0644);

struct workqueue_struct *workers;

#define CLASS_SCSI "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f"
#define CLASS_FC "2f9bcc4a-0069-4af3-b76b-6fd0be528cda"
#define CLASS_SHUTDOWN "0e0b6031-5213-4934-818b-38d90ced39db"

static struct controller controllers[] = {
	{ .class_id = CLASS_SCSI, .device_id = "f8b3781a-1e82-4818-a1c3-63d806ec15bb" },
	{ .class_id = CLASS_FC, .device_id = "5f2e8a10-7c43-4d0b-9a51-2b8f0c6d1e01" },
	{ .class_id = CLASS_SHUTDOWN, .device_id = "b6650ff7-33bc-4840-8048-e0676786f393" },
};

/* ---- commands ---- */

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
enum scsi_qc_status queue(struct Scsi_Host *host, struct scsi_cmnd *cmd)
#else
int queue(struct Scsi_Host *host, struct scsi_cmnd *cmd)
#endif
{
	const struct trouble *trouble;

	if (is_held(cmd))
		return 0;
	trouble = trouble_of(cmd);
	if (trouble)
		fail_command(cmd, trouble);
	else
		execute(cmd);
	return 0;
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
	return is_silent() ? TIMEOUT_ERROR : SUCCESS;
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

static void remove_disk(struct work_struct *work)
{
	struct lun *lun = container_of(work, struct lun, removal);
	unsigned int number = lun - controllers[0].lun;
	struct scsi_device *sdev = scsi_device_lookup(controllers[0].host, 0, 0, number);

	if (!sdev)
		return;
	scsi_remove_device(sdev);
	scsi_device_put(sdev);
}

static int add_disk_to(struct controller *ctl, const char *vendor, const char *model, struct medium *medium)
{
	struct lun *lun = &ctl->lun[ctl->luns];

	if (ctl->luns == MAX_LUNS)
		return -ENOSPC;
	if (!medium)
		return -ENOMEM;
	lun->medium = medium;
	lun->vendor = vendor;
	lun->model = model;
	INIT_WORK(&lun->removal, remove_disk);
	return scsi_add_device(ctl->host, 0, 0, ctl->luns++);
}

static int add_hyperv_disk(void)
{
	static unsigned int next;
	const char *device = next < MAX_LUNS ? backing[next++] : NULL;

	return add_disk_to(&controllers[0], "Msft", "Virtual Disk", new_medium(device));
}

static int set_add(const char *text, const struct kernel_param *param)
{
	struct controller *scsi = &controllers[0];

	if (!scsi->host || !controllers[1].host)
		return -ENODEV;
	if (sysfs_streq(text, "scsi"))
		return add_hyperv_disk();
	if (sysfs_streq(text, "path"))
		return add_disk_to(scsi, "Msft", "Virtual Disk", scsi->lun[scsi->luns - 1].medium);
	if (sysfs_streq(text, "array"))
		return add_disk_to(scsi, "HITACHI", "OPEN-V", new_medium(NULL));
	if (sysfs_streq(text, "fc"))
		return add_disk_to(&controllers[1], "DGC", "VRAID", new_medium(NULL));
	return -EINVAL;
}

static const struct kernel_param_ops add_ops = { .set = set_add };
module_param_cb(add, &add_ops, NULL, 0200);

/* INVALID_LUN: its commands find nobody, and the driver removes the disk. */
static int set_gone(const char *text, bool gone)
{
	struct controller *scsi = &controllers[0];
	unsigned int number;
	int err = kstrtouint(text, 0, &number);

	if (err || number >= scsi->luns)
		return err ?: -ENODEV;
	flush_work(&scsi->lun[number].removal);
	WRITE_ONCE(scsi->lun[number].gone, gone);
	if (!gone)
		return scsi_add_device(scsi->host, 0, 0, number);
	queue_work(workers, &scsi->lun[number].removal);
	return 0;
}

static int set_take(const char *text, const struct kernel_param *param)
{
	return set_gone(text, true);
}

static int set_give(const char *text, const struct kernel_param *param)
{
	return set_gone(text, false);
}

static const struct kernel_param_ops take_ops = { .set = set_take }, give_ops = { .set = set_give };
module_param_cb(take, &take_ops, NULL, 0200);
module_param_cb(give, &give_ops, NULL, 0200);

static int probe(struct device *dev)
{
	struct controller *ctl = container_of(dev, struct controller, dev);
	struct Scsi_Host *host = scsi_host_alloc(&template, sizeof(ctl));
	unsigned int number;
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
		return add_disk_to(ctl, "DGC", "VRAID", new_medium(NULL));
	err = add_hyperv_disk();
	if (!err)
		err = add_disk_to(ctl, "HITACHI", "OPEN-V", new_medium(NULL));
	for (number = 1; !err && number < MAX_LUNS && backing[number]; number++)
		err = add_hyperv_disk();
	return err;
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
	workers = alloc_workqueue("hvtune_standin", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!workers)
		return -ENOMEM;
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
