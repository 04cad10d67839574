#Requires -Version 5.1
#Requires -RunAsAdministrator

<#
.SYNOPSIS
Shows how long this Hyper-V host holds the commands of its guests, and with -Apply raises it to a stall budget.

.DESCRIPTION
hvtune makes a Linux guest ride out a stall of its storage. The host has timers of its own below the VHDX; when
one of them ends, the guest gets errors or is turned off, however patient it is. This script reads those timers
and compares each with the least that the budget asks for. With -Apply it sets what is too low. It never lowers a
value, and -WhatIf shows what it would set.

The authors could not run this script: they have no Windows host. It was only checked to parse. Read it, and try
it with -WhatIf on a host that may fail.

What it leaves alone: the timers of host bus adapters and of a vendor's DSM (ask the vendor), and every guest's
own. MPIO and the registry take effect when the host starts next.

.PARAMETER StallSeconds
The stall budget of the guests in seconds: "stall" in their /etc/hvtune.toml.

.PARAMETER VMName
The guests whose settings are looked at, as Get-VM takes them; all without it.

.PARAMETER Apply
Set what is too low. Without it nothing is written.

.EXAMPLE
.\Set-HvtuneHost.ps1 -StallSeconds 180

.EXAMPLE
.\Set-HvtuneHost.ps1 -StallSeconds 180 -Apply -WhatIf

.LINK
hvtune explain host
#>
[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'Medium')]
param(
    [ValidateRange(10, 86400)]
    [int]$StallSeconds = 180,

    [string[]]$VMName = @('*'),

    [switch]$Apply
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

# BEGIN settings: made from src/host.rs; `BLESS=1 cargo test --test host` makes it anew.
$Settings = @(
    @{ Storage = 'CSV, SMB3 (2016 on)'; Name = 'AutomaticCriticalErrorAction'; Door = 'Vm'; Least = 'Pause'; Unit = '' }
    @{ Storage = 'CSV, SMB3 (2016 on)'; Name = 'AutomaticCriticalErrorActionTimeout'; Door = 'Vm'; Least = 'BudgetMinutes'; Unit = 'min' }
    @{ Storage = 'MPIO'; Name = 'PDORemovePeriod'; Door = 'Mpio'; Least = 'Budget'; Unit = 's' }
    @{ Storage = 'MPIO'; Name = 'PathVerificationState'; Door = 'Mpio'; Least = 'Enabled'; Unit = '' }
    @{ Storage = 'MPIO'; Name = 'TimeOutValue'; Door = 'Disk'; Least = 60; Unit = 's' }
    @{ Storage = 'disk without MPIO'; Name = 'TimeOutValue'; Door = 'Disk'; Least = 'Budget'; Unit = 's' }
    @{ Storage = 'iSCSI without MPIO'; Name = 'MaxRequestHoldTime'; Door = 'Iscsi'; Least = 'Budget'; Unit = 's' }
    @{ Storage = 'cluster, a node cut off'; Name = 'ResiliencyDefaultPeriod'; Door = 'Cluster'; Least = 'Budget'; Unit = 's' }
)
# END settings

$DiskKey = 'HKLM:\SYSTEM\CurrentControlSet\Services\Disk'
$AdapterKey = 'HKLM:\SYSTEM\CurrentControlSet\Control\Class\{4D36E97B-E325-11CE-BFC1-08002BE10318}'

function Test-Command([string]$Name) {
    return $null -ne (Get-Command -Name $Name -ErrorAction SilentlyContinue)
}

# The least for the budget: a number, or a word.
function Get-Least($Setting) {
    switch ($Setting.Least) {
        'Budget' { return $StallSeconds }
        'BudgetMinutes' { return [int][math]::Ceiling($StallSeconds / 60) }
        default { return $Setting.Least }
    }
}

# Whether the setting counts on this host.
function Test-Here($Setting, [bool]$HasMpio) {
    if ($Setting.Storage -eq 'MPIO') { return $HasMpio }
    if ($Setting.Storage -like '*without MPIO') { return -not $HasMpio }
    return $true
}

function Get-RegistryValue([string]$Path, [string]$Name) {
    $Key = Get-Item -LiteralPath $Path -ErrorAction SilentlyContinue
    if ($null -eq $Key) { return $null }
    return $Key.GetValue($Name, $null)
}

# What it is now, once for each guest, initiator or host: where, and the value.
function Get-Now($Setting) {
    switch ($Setting.Door) {
        'Vm' {
            if (-not (Test-Command 'Get-VM')) { return }
            foreach ($Vm in Get-VM -Name $VMName) {
                # Windows Server 2012 and 2012 R2 know no such setting.
                if ($null -ne $Vm.PSObject.Properties[$Setting.Name]) {
                    [pscustomobject]@{ Where = $Vm.Name; Value = $Vm.($Setting.Name) }
                }
            }
        }
        'Mpio' {
            # Printed as "name : value", whatever kind of object it is.
            $Lines = Get-MPIOSetting | Out-String -Stream
            $Line = $Lines | Where-Object { $_ -match "^\s*$($Setting.Name)\s*:" } | Select-Object -First 1
            $Value = if ($null -eq $Line) { $null } else { ($Line -split ':', 2)[1].Trim() }
            [pscustomobject]@{ Where = 'host'; Value = $Value }
        }
        'Disk' {
            [pscustomobject]@{ Where = $DiskKey; Value = Get-RegistryValue $DiskKey $Setting.Name }
        }
        'Iscsi' {
            foreach ($Adapter in Get-ChildItem -LiteralPath $AdapterKey -ErrorAction SilentlyContinue) {
                $Path = "$AdapterKey\$($Adapter.PSChildName)\Parameters"
                $Value = Get-RegistryValue $Path $Setting.Name
                # Other adapters of the class have no such value.
                if ($null -ne $Value) { [pscustomobject]@{ Where = $Path; Value = $Value } }
            }
        }
        'Cluster' {
            if (-not (Test-Command 'Get-Cluster')) { return }
            $Cluster = Get-Cluster -ErrorAction SilentlyContinue
            if ($null -eq $Cluster -or $null -eq $Cluster.PSObject.Properties[$Setting.Name]) { return }
            [pscustomobject]@{ Where = $Cluster.Name; Value = $Cluster.($Setting.Name) }
        }
    }
}

# Whether a value does: a number that is as large, or the word itself.
function Test-Enough($Value, $Least) {
    if ($null -eq $Value) { return $false }
    if ($Least -is [int]) { return [int64]$Value -ge $Least }
    return "$Value" -eq $Least
}

function Set-Now($Setting, [string]$Where, $Least) {
    $Values = @{}
    switch ($Setting.Door) {
        'Vm' {
            $Values[$Setting.Name] = $Least
            Set-VM -Name $Where @Values
        }
        'Mpio' {
            $Values["New$($Setting.Name)"] = $Least
            Set-MPIOSetting @Values | Out-Null
        }
        { $_ -in 'Disk', 'Iscsi' } {
            Set-ItemProperty -LiteralPath $Where -Name $Setting.Name -Value $Least -Type DWord
        }
        'Cluster' {
            (Get-Cluster -Name $Where).($Setting.Name) = $Least
        }
    }
}

$HasMpio = Test-Command 'Get-MPIOSetting'
$Restart = $false
foreach ($Setting in $Settings) {
    if (-not (Test-Here $Setting $HasMpio)) { continue }
    $Least = Get-Least $Setting
    foreach ($Found in @(Get-Now $Setting)) {
        $State = 'ok'
        if (-not (Test-Enough $Found.Value $Least)) {
            $State = 'too low'
            $Action = "set $($Setting.Name) to $Least, now $($Found.Value)"
            if ($Apply -and $PSCmdlet.ShouldProcess($Found.Where, $Action)) {
                Set-Now $Setting $Found.Where $Least
                $State = 'set'
                if ($Setting.Door -in 'Mpio', 'Disk', 'Iscsi') { $Restart = $true }
            }
        }
        [pscustomobject]@{
            Storage = $Setting.Storage
            Setting = $Setting.Name
            Where   = $Found.Where
            Now     = $Found.Value
            Least   = $Least
            Unit    = $Setting.Unit
            State   = $State
        }
    }
}
if ($Restart) {
    Write-Warning 'Settings of MPIO and the registry take effect when this host starts next.'
}
