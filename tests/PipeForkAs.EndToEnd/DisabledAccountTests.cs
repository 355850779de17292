using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.EndToEnd;

/// <summary>Tests that no job runs as a user who can no longer log in.</summary>
public sealed class DisabledAccountTests
{
    [Theory(Timeout = Bound.Test)]
    [InlineData("--shell", "/usr/sbin/nologin", "its shell is /usr/sbin/nologin")]
    [InlineData("--shell", "/bin/false", "its shell is /bin/false")]
    [InlineData("--expiredate", "2001-02-03", "it expired on day 11356 since 1970-01-01")]
    [InlineData("--expiredate", "1", "it expired on day 1 since 1970-01-01")]
    public async Task A_disabled_account_is_denied_with_the_reason_until_it_is_enabled(
        string option, string value, string reason)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await Tool.MustAsync("usermod", option, value, TestUsers.Bob);
        try
        {
            FramedReply reply = await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob);

            Assert.Equal((ReplyCode.Denied, null, ""), (reply.End.Code, reply.End.Pid, reply.Text));
            Assert.Contains($"the account \"{TestUsers.Bob}\" is disabled: {reason}", reply.End.Message);
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        }
        finally
        {
            await RestoreAsync();
        }

        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob)).End.Code);
    }

    [Theory(Timeout = Bound.Test)]
    [InlineData("--lock", null)]
    [InlineData("--expiredate", "2999-01-01")]
    public async Task A_locked_password_or_a_future_expiry_date_does_not_disable_an_account(string option, string? value)
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync();
        await Tool.MustAsync(["usermod", option, .. value is null ? Array.Empty<string>() : [value], TestUsers.Bob]);
        try
        {
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob)).End.Code);
        }
        finally
        {
            await RestoreAsync();
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task Disabled_accounts_are_allowed_if_the_check_is_off()
    {
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(
            c => c["Policy"] = new JsonObject { ["RefuseDisabledAccounts"] = false });
        await Tool.MustAsync("usermod", "--expiredate", "1", "--shell", "/usr/sbin/nologin", TestUsers.Bob);
        try
        {
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob)).End.Code);
        }
        finally
        {
            await RestoreAsync();
        }
    }

    [Fact(Timeout = Bound.Test)]
    public async Task PAM_decides_for_each_account_and_a_hanging_module_delays_only_its_account()
    {
        using var service = new PamService(own =>
        {
            File.WriteAllText(own.Program, $"#!/bin/sh\n[ -e {own.Hang} ] && exec sleep 1000\nexit 1\n");
            File.SetUnixFileMode(own.Program, (UnixFileMode)0x1ED); // 0755
            return $"account [success=ignore default=1] pam_succeed_if.so quiet user = {TestUsers.Bob}\n"
                + $"account required pam_exec.so quiet {own.Program}\n"
                + "account required pam_permit.so\n";
        });
        await using DaemonProcess daemon = await DaemonProcess.StartAsync(c =>
        {
            c["Policy"] = new JsonObject { ["PamService"] = service.Name };
            (c["Limits"]!["LookupTimeout"], c["Limits"]!["LookupCacheTime"]) = ("00:00:01", "00:00:00");
        });

        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        FramedReply refused = await RawClient.RunAsync(daemon, "id", user: TestUsers.Bob);
        Assert.Equal((ReplyCode.Denied, null), (refused.End.Code, refused.End.Pid));
        Assert.Contains($"the account \"{TestUsers.Bob}\" is refused by the PAM service \"{service.Name}\": ", refused.End.Message);

        await File.WriteAllTextAsync(service.Hang, "");
        Task<FramedReply> hangs = RawClient.RunAsync(daemon, "id", user: TestUsers.Bob);
        Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(daemon, "id")).End.Code);
        Assert.Equal(ReplyCode.Internal, (await hangs).End.Code);
        Assert.Contains("PAM did not answer within 1 s", (await hangs).End.Message);
        Assert.Equal(0, await daemon.StopAsync());
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_missing_PAM_service_fails_the_start()
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        configuration["Policy"] = new JsonObject { ["PamService"] = "pfa-none" };
        await using DaemonProcess daemon = DaemonProcess.Launch(folder, configuration);

        Assert.Equal(78, await daemon.EndedAsync());
        Assert.Contains("Policy:PamService: there is no PAM service \"pfa-none\"", daemon.Log);
    }

    /// <summary>If the library is installed, an empty file hides it for this daemon only.</summary>
    [Fact(Timeout = Bound.Test)]
    public async Task Without_libpam_a_daemon_starts_only_if_no_PAM_service_is_configured()
    {
        string[] known = [
            .. (await Tool.MustAsync("ldconfig", "-p")).Split('\n').Where(
                line => line.Contains("libpam.so.0 ", StringComparison.Ordinal)).Select(line => line.Split("=> ")[1].Trim())];
        string[] hidden = [
            .. known.Select(
                path => $"bind /dev/null {new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path}").Distinct()];
        using var service = new PamService(_ => "account required pam_permit.so\n");

        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        await using (DaemonProcess plain = await ApartDaemon.StartAsync(folder, configuration, hidden))
        {
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(plain, "id")).End.Code);

            // A reload that needs it is rejected too, and the daemon continues unchanged.
            configuration["Policy"] = new JsonObject { ["PamService"] = service.Name };
            await File.WriteAllTextAsync(Path.Combine(folder, "pipeforkas.json"), configuration.ToJsonString());
            Libc.kill(new ProcessId(plain.Pid), Signal.SIGHUP);
            await Crowd.UntilAsync(
                () => plain.Log, log => log.Contains("Policy:PamService: libpam.so.0 cannot be loaded", StringComparison.Ordinal),
                TimeSpan.FromSeconds(30), "no refusal");
            Assert.Equal(ReplyCode.Ok, (await RawClient.RunAsync(plain, "id")).End.Code);
            int stopped = await plain.StopAsync();
            Assert.True(stopped == 0, $"exit code {stopped}: {plain.Log}");
        }

        (folder, configuration) = DaemonProcess.Prepare();
        configuration["Policy"] = new JsonObject { ["PamService"] = service.Name };
        await using DaemonProcess needy = await ApartDaemon.LaunchAsync(folder, configuration, hidden);
        int refused = await needy.EndedAsync();
        Assert.True(refused == 78, $"exit code {refused}: {needy.Log}");
        await Crowd.UntilAsync(
            () => needy.Log,
            log => log.Contains("Policy:PamService: libpam.so.0 cannot be loaded; install it, or set none", StringComparison.Ordinal),
            TimeSpan.FromSeconds(5), "no refusal");
    }

    /// <summary>
    /// Mode 0000, and a unit without the capability that permits reading: an expired account must not look like one without an entry.
    /// </summary>
    [Theory(Timeout = Bound.Test)]
    [InlineData("files")]
    [InlineData("files systemd")]
    public async Task A_shadow_database_that_the_daemon_cannot_read_denies_every_account(string services)
    {
        (string folder, JsonObject configuration) = DaemonProcess.Prepare();
        string shadow = Path.Combine(folder, "shadow"), choice = Path.Combine(folder, "nsswitch.conf");
        await File.WriteAllTextAsync(shadow, $"{TestUsers.Alice}:!:20000:0:99999:7::1:\n");
        Libc.chmod(shadow, 0);
        string[] others = [
            .. (await File.ReadAllLinesAsync("/etc/nsswitch.conf")).Where(line => !line.StartsWith("shadow:", StringComparison.Ordinal))];
        await File.WriteAllLinesAsync(choice, [.. others, $"shadow: {services}"]);
        const int DacOverride = 1, DacReadSearch = 2;
        await using DaemonProcess daemon = await ApartDaemon.StartAsync(
            folder, configuration, $"bind {shadow} /etc/shadow", $"bind {choice} /etc/nsswitch.conf", $"drop {DacOverride}",
            $"drop {DacReadSearch}");

        FramedReply reply = await RawClient.RunAsync(daemon, "id");

        Assert.Equal((ReplyCode.Internal, ""), (reply.End.Code, reply.Text));
        Assert.Contains("CAP_DAC_READ_SEARCH", reply.End.Message);
        Assert.Equal(0, await daemon.StopAsync());
    }

    private static Task<string> RestoreAsync() => Tool.MustAsync("usermod", "--expiredate", "", "--shell", "/bin/bash", TestUsers.Bob);
}
