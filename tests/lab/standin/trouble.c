// SPDX-License-Identifier: GPL-2.0
/*
 * Trouble made on purpose: commands that are not answered, and commands that are answered
 * with what the host of a guest in trouble says, in the results that storvsc makes of it.
 */
#include <linux/moduleparam.h>
#include "standin.h"

/* One answer of a host: what the driver hands to the SCSI layer. */
struct trouble {
	const char *name;
	u8 status, host;       /* SAM status, host byte */
	u8 key, code, further; /* sense, where a key is given */
};

static const struct trouble troubles[] = {
	/* SRB status 4 without sense: DID_ERROR since 5.4, DID_TARGET_FAILURE before */
	{ "srb-error", SAM_STAT_CHECK_CONDITION, DID_ERROR },
	{ "target-failure", SAM_STAT_CHECK_CONDITION, 0x10 },
	/* an SRB status that the driver does not know: success, and nothing was moved */
	{ "unmapped" },
	{ "no-connect", 0, DID_NO_CONNECT },
	{ "busy", SAM_STAT_BUSY },
	{ "reservation", SAM_STAT_RESERVATION_CONFLICT },
	{ "no-sense", SAM_STAT_CHECK_CONDITION },
	{ "aborted", 0, 0, ABORTED_COMMAND },
	{ "write-error", 0, 0, MEDIUM_ERROR, 0x0c },
	{ "medium", 0, 0, MEDIUM_ERROR, 0x11 },
	{ "medium-13", 0, 0, MEDIUM_ERROR, 0x13 },
	{ "medium-14", 0, 0, MEDIUM_ERROR, 0x14 },
	{ "hardware", 0, 0, HARDWARE_ERROR, 0x44 },
	{ "thin-full", 0, 0, DATA_PROTECT, 0x27, 0x07 },
	{ "write-protected", 0, 0, DATA_PROTECT, 0x27 },
	{ "illegal", 0, 0, ILLEGAL_REQUEST, 0x24 },
	{ "not-ready", 0, 0, NOT_READY, 0x04, 0x01 },
	{ "unit-attention", 0, 0, UNIT_ATTENTION, 0x29 },
};

enum { READS = 1, WRITES = 2, TURS = 4, FLUSHES = 8, UNMAPS = 16 };
static const char *const kinds[] = { "read", "write", "tur", "flush", "unmap" };

static const struct trouble *now;
static unsigned int of = READS | WRITES;
static unsigned int tries;
module_param(tries, uint, 0644);
static int fail_lun = -1;
module_param(fail_lun, int, 0644);
static unsigned int delay_ms;
module_param(delay_ms, uint, 0644);
static unsigned long first_sector, last_sector = ULONG_MAX;
module_param(first_sector, ulong, 0644);
module_param(last_sector, ulong, 0644);

static unsigned int fail_for;
module_param(fail_for, uint, 0644);

static void end_trouble(struct work_struct *work)
{
	WRITE_ONCE(now, NULL);
}

static DECLARE_DELAYED_WORK(end_of_trouble, end_trouble);

static int set_fail(const char *text, const struct kernel_param *param)
{
	const struct trouble *wanted = NULL;
	unsigned int i;

	for (i = 0; !wanted && i < ARRAY_SIZE(troubles); i++)
		if (sysfs_streq(text, troubles[i].name))
			wanted = &troubles[i];
	if (!wanted && !sysfs_streq(text, "none"))
		return -EINVAL;
	cancel_delayed_work(&end_of_trouble);
	WRITE_ONCE(now, wanted);
	if (wanted && fail_for)
		schedule_delayed_work(&end_of_trouble, fail_for * HZ);
	return 0;
}

static const struct kernel_param_ops fail_ops = { .set = set_fail };
module_param_cb(fail, &fail_ops, NULL, 0200);

/* Names with commas between them. */
static int set_fail_kinds(const char *text, const struct kernel_param *param)
{
	unsigned int wanted = 0, i;

	while (*text && *text != '\n') {
		size_t length = strcspn(text, ",\n");

		for (i = 0; i < ARRAY_SIZE(kinds); i++)
			if (strlen(kinds[i]) == length && !strncmp(text, kinds[i], length))
				break;
		if (i == ARRAY_SIZE(kinds))
			return -EINVAL;
		wanted |= 1 << i;
		text += length;
		text += *text == ',';
	}
	of = wanted;
	return 0;
}

static const struct kernel_param_ops fail_kinds_ops = { .set = set_fail_kinds };
module_param_cb(fail_kinds, &fail_kinds_ops, NULL, 0200);

static bool within(u64 sector)
{
	return sector >= first_sector && sector <= last_sector;
}

static bool is_meant(const u8 *c)
{
	switch (c[0]) {
	case READ_10:
		return (of & READS) && within(get_unaligned_be32(c + 2));
	case WRITE_10:
		return (of & WRITES) && within(get_unaligned_be32(c + 2));
	case READ_16:
		return (of & READS) && within(get_unaligned_be64(c + 2));
	case WRITE_16:
		return (of & WRITES) && within(get_unaligned_be64(c + 2));
	case TEST_UNIT_READY:
		return of & TURS;
	case SYNCHRONIZE_CACHE:
		return of & FLUSHES;
	case UNMAP:
		return of & UNMAPS;
	default:
		return false;
	}
}

/* The trouble that this command meets; NULL where it meets none. */
const struct trouble *trouble_of(struct scsi_cmnd *cmd)
{
	static const struct trouble removed = { "removed", 0, DID_NO_CONNECT };
	const struct trouble *trouble = READ_ONCE(now);

	if (lun_of(cmd)->gone)
		return &removed;
	if (!trouble || (fail_lun >= 0 && cmd->device->lun != fail_lun) || !is_meant(cmd->cmnd))
		return NULL;
	tries++;
	return trouble;
}

static void answer_trouble(struct scsi_cmnd *cmd, const struct trouble *trouble)
{
	scsi_set_resid(cmd, scsi_bufflen(cmd));
	cmd->result = trouble->status;
	set_host_byte(cmd, trouble->host);
	if (trouble->key)
		scsi_build_sense(cmd, 0, trouble->key, trouble->code, trouble->further);
	/* As the real driver says it, of the controller. */
	dev_warn_ratelimited(cmd->device->host->shost_gendev.parent, "tag#%d cmd 0x%x status: scsi 0x%x srb 0x4 hv 0xc0000001\n",
			     scsi_cmd_to_rq(cmd)->tag, cmd->cmnd[0], cmd->result & 0xff);
	scsi_done(cmd);
}

static void answer_late(struct work_struct *work)
{
	struct pending *pending = container_of(to_delayed_work(work), struct pending, work);

	answer_trouble(command_of(pending), pending->trouble);
}

/*
 * After the time that the host holds a command before it gives up. Never within the call: no host
 * answers so soon, and the command that is tried again would be in front of all others for ever.
 */
void fail_command(struct scsi_cmnd *cmd, const struct trouble *trouble)
{
	struct pending *pending = scsi_cmd_priv(cmd);

	pending->trouble = trouble;
	INIT_DELAYED_WORK(&pending->work, answer_late);
	queue_delayed_work(workers, &pending->work, msecs_to_jiffies(delay_ms));
}

/* ---- silence ---- */

static LIST_HEAD(held);
static DEFINE_SPINLOCK(held_lock);
static bool holding;

/* Whether the command is kept back; it is answered when the silence ends. */
bool is_held(struct scsi_cmnd *cmd)
{
	struct pending *pending = scsi_cmd_priv(cmd);
	unsigned long flags;
	bool is;

	spin_lock_irqsave(&held_lock, flags);
	is = holding;
	if (is)
		list_add_tail(&pending->list, &held);
	spin_unlock_irqrestore(&held_lock, flags);
	return is;
}

bool is_silent(void)
{
	return READ_ONCE(holding);
}

static void answer_held(struct work_struct *work)
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
			execute(command_of(pending));
	} while (pending);
}

static DECLARE_DELAYED_WORK(end_of_silence, answer_held);

static int set_hold(const char *text, const struct kernel_param *param)
{
	unsigned int seconds;
	int err = kstrtouint(text, 0, &seconds);

	if (err)
		return err;
	spin_lock_irq(&held_lock);
	holding = seconds > 0;
	spin_unlock_irq(&held_lock);
	mod_delayed_work(system_wq, &end_of_silence, seconds * HZ);
	return 0;
}

static const struct kernel_param_ops hold_ops = { .set = set_hold };
module_param_cb(hold, &hold_ops, NULL, 0200);

/* What error handling takes over is no longer ours to answer. */
void give_up(struct scsi_cmnd *cmd)
{
	struct pending *pending = scsi_cmd_priv(cmd), *other, *next;
	unsigned long flags;

	spin_lock_irqsave(&held_lock, flags);
	list_for_each_entry_safe(other, next, &held, list)
		if (other == pending)
			list_del(&pending->list);
	spin_unlock_irqrestore(&held_lock, flags);
}
