using System.Collections.Concurrent;
using PipeForkAs.Daemon.Accounts;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Daemon.Tests.Accounts;

public sealed class AccountGateTests
{
    private static readonly ShadowEntry Expired = new(1, -1, -1, 1);
    private static readonly Account Alice = new("alice", 1001, 1001, [1001], "/home/alice", "/bin/sh");

    [Fact]
    public Task Shell_shadow_and_PAM_must_all_accept_an_account() => OnLoopAsync(async loop =>
    {
        var asked = new List<string>();
        var options = new DaemonOptions { Policy = { PamService = "service" } };
        AccountGate gate = Gate(loop, options, name => name == "old" ? Expired : null, (service, name) =>
        {
            asked.Add($"{service} {name}");
            return Task.FromResult(name == "barred" ? "barred (6)" : null);
        });

        await gate.ThrowIfDisabledAsync(Alice, TestCallers.Alice);
        Assert.Contains("shell", await RefusalAsync(gate, Alice with { Name = "closed", Shell = "/bin/false" }));
        Assert.Contains("expired", await RefusalAsync(gate, Alice with { Name = "old" }));
        Assert.Contains("barred (6)", await RefusalAsync(gate, Alice with { Name = "barred" }));
        Assert.Equal(["service alice", "service barred"], asked);
    });

    [Fact]
    public Task A_shadow_entry_is_cached_for_a_time() => OnLoopAsync(async loop =>
    {
        int asked = 0;
        var options = new DaemonOptions { Limits = { LookupCacheTime = TimeSpan.FromMinutes(1) } };
        AccountGate gate = Gate(loop, options, _ => ++asked > 1 ? Expired : null, (_, _) => Task.FromResult<string?>(null));

        await gate.ThrowIfDisabledAsync(Alice, TestCallers.Alice);
        await gate.ThrowIfDisabledAsync(Alice, TestCallers.Alice);
        Assert.Equal(1, asked);
        await Assert.ThrowsAsync<RefusedException>(
            async () => await gate.ThrowIfDisabledAsync(Alice with { Name = "bob" }, TestCallers.Alice));

        options.Limits.LookupCacheTime = TimeSpan.Zero;
        AccountGate fresh = Gate(loop, options, _ => ++asked > 3 ? Expired : null, (_, _) => Task.FromResult<string?>(null));
        await fresh.ThrowIfDisabledAsync(Alice, TestCallers.Alice);
        await Assert.ThrowsAsync<RefusedException>(async () => await fresh.ThrowIfDisabledAsync(Alice, TestCallers.Alice));
    });

    [Fact]
    public Task A_PAM_result_is_cached_for_a_time_and_concurrent_checks_share_one_call() => OnLoopAsync(async loop =>
    {
        var answer = new TaskCompletionSource<string?>();
        int asked = 0;
        var options = new DaemonOptions { Policy = { PamService = "service", RefuseDisabledAccounts = false } };
        options.Limits.LookupCacheTime = TimeSpan.FromMinutes(1);
        AccountGate gate = Gate(loop, options, _ => null, (_, name) =>
        {
            asked++;
            return name == "alice" ? answer.Task : Task.FromResult<string?>("barred (6)");
        });

        Task[] all = [.. Enumerable.Range(0, 1000).Select(_ => gate.ThrowIfDisabledAsync(Alice, TestCallers.Alice).AsTask())];
        answer.SetResult(null);
        await Task.WhenAll(all);
        await gate.ThrowIfDisabledAsync(Alice, TestCallers.Bob);
        Assert.Equal(1, asked);

        for (int i = 0; i < 3; i++)
            Assert.Contains("barred (6)", await RefusalAsync(gate, Alice with { Name = "bob" }));
        Assert.Equal(2, asked);

        options.Policy.PamService = "other";
        await gate.ThrowIfDisabledAsync(Alice, TestCallers.Alice);
        Assert.Equal(3, asked);
    });

    [Fact]
    public Task A_failure_of_PAM_is_not_cached() => OnLoopAsync(async loop =>
    {
        int asked = 0;
        var options = new DaemonOptions { Policy = { PamService = "service", RefuseDisabledAccounts = false } };
        AccountGate gate = Gate(loop, options, _ => null, (_, _) =>
            ++asked == 1 ? Task.FromException<string?>(new UserLookupException("it failed")) : Task.FromResult<string?>(null));

        await Assert.ThrowsAsync<UserLookupException>(async () => await gate.ThrowIfDisabledAsync(Alice, TestCallers.Alice));
        await gate.ThrowIfDisabledAsync(Alice, TestCallers.Alice);
        Assert.Equal(2, asked);
    });

    [Fact]
    public Task With_both_checks_off_neither_shadow_nor_PAM_is_called() => OnLoopAsync(async loop =>
    {
        var options = new DaemonOptions { Policy = { RefuseDisabledAccounts = false } };
        AccountGate gate = Gate(
            loop, options, _ => throw new InvalidOperationException("shadow"), (_, _) => throw new InvalidOperationException("PAM"));
        await gate.ThrowIfDisabledAsync(Alice with { Shell = "/bin/false" }, TestCallers.Alice);
    });

    [Fact]
    public Task A_hanging_database_accepts_no_account_and_holds_a_bounded_number_of_threads() => OnLoopAsync(async loop =>
    {
        using var answer = new ManualResetEventSlim();
        int asked = 0;
        var names = new ConcurrentDictionary<string, bool>();
        var options = new DaemonOptions { Limits = { LookupTimeout = TimeSpan.FromMilliseconds(1) } };
        AccountGate gate = Gate(loop, options, name =>
        {
            names[name] = true;
            Interlocked.Increment(ref asked);
            answer.Wait();
            return null;
        }, (_, _) => Task.FromResult<string?>(null));

        for (int i = 0; i < 20; i++)
        {
            var late = await Assert.ThrowsAsync<UserLookupException>(async () => await gate.ThrowIfDisabledAsync(Alice, TestCallers.Alice));
            Assert.Contains("did not answer within", late.Message);
        }

        options.Limits.LookupTimeout = TimeSpan.FromMinutes(1);
        Task[] patient = [.. Enumerable.Range(0, 30).Select(i => PatientAsync(gate, i))];
        while (Volatile.Read(ref asked) < 16)
            await loop.DelayAsync(TimeSpan.FromMilliseconds(1));
        await loop.DelayAsync(TimeSpan.FromMilliseconds(20));
        Assert.Equal(16, Volatile.Read(ref asked));
        Assert.DoesNotContain(patient, task => task.IsCompleted);

        answer.Set();
        await Task.WhenAll(patient);

        // Another suite can change /etc/shadow meanwhile: then the gate asks again.
        Assert.Equal(1 + 30, names.Count);
    });

    private static AccountGate Gate(
        Loop loop, DaemonOptions options, Func<string, ShadowEntry?> shadow, Func<string, string, Task<string?>> pam) =>
        new(loop, new FairTurns(loop), new CurrentConfiguration(options), shadow, pam);

    private static Task PatientAsync(AccountGate gate, int number) =>
        gate.ThrowIfDisabledAsync(
            Alice with { Name = $"patient-{number}" }, number % 2 == 0 ? TestCallers.Alice : TestCallers.Bob).AsTask();

    private static async Task<string> RefusalAsync(AccountGate gate, Account account) =>
        (await Assert.ThrowsAsync<RefusedException>(async () => await gate.ThrowIfDisabledAsync(account, TestCallers.Alice))).Message;

    private static async Task OnLoopAsync(Func<Loop, Task> test)
    {
        using var thread = new LoopThread();
        await thread.RunAsync(() => test(thread.Loop));
        Assert.Empty(thread.Failures);
    }
}
