using System.Diagnostics;
using PipeForkAs.Client;
using PipeForkAs.Daemon.Accounts;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Accounts;

public sealed class TicketsTests : IDisposable
{
    private static readonly Caller Front = Make(33), Other = Make(34);

    private readonly ChangingUsers users = new();
    private readonly ManualTime time = new();
    private readonly DaemonOptions options = new() { Policy = { SignIn = { PamService = "service" } } };
    private readonly Dictionary<string, ShadowEntry> shadow = [];
    private readonly HashSet<UserId> callers = [Front.Uid, Other.Uid];
    private readonly Tickets tickets;

    public TicketsTests()
    {
        users.Add("alice", 1001);
        users.Add("bob", 1002);
        tickets = new Tickets(
            time, new CurrentConfiguration(options), users, (name, _) => ValueTask.FromResult(shadow.GetValueOrDefault(name)),
            (caller, _) => ValueTask.FromResult(callers.Contains(caller.Uid)), () => TimeSpan.FromSeconds(time.GetTimestamp() / 1000.0));
    }

    public void Dispose() => users.Dispose();

    [Fact]
    public async Task A_ticket_is_for_its_caller_and_its_user_until_it_expires_or_ends()
    {
        SignInTicket ticket = await IssueAsync("alice");
        Assert.Equal(("alice", 1001u, 28800.0), (ticket.User, ticket.Uid, ticket.Seconds));
        Assert.Equal(new SignedInUser("alice", new UserId(1001)), await tickets.FindAsync(Front, ticket.Ticket));
        Assert.Null(await tickets.FindAsync(Other, ticket.Ticket));
        Assert.Null(tickets.End(Other, ticket.Ticket));
        Assert.NotNull(await tickets.FindAsync(Front, ticket.Ticket));

        time.Advance(TimeSpan.FromHours(8) - TimeSpan.FromSeconds(1));
        Assert.NotNull(await tickets.FindAsync(Front, ticket.Ticket));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await tickets.FindAsync(Front, ticket.Ticket));

        ticket = await IssueAsync("bob");
        Assert.Equal("bob", tickets.End(Front, ticket.Ticket)!.Name);
        Assert.Null(await tickets.FindAsync(Front, ticket.Ticket));
        Assert.Null(tickets.End(Front, ticket.Ticket));
        Assert.Equal(0, tickets.Count);
    }

    [Fact]
    public async Task A_ticket_ends_with_its_account()
    {
        SignInTicket removed = await IssueAsync("alice");
        users.Remove("alice");
        Assert.Null(await tickets.FindAsync(Front, removed.Ticket));
        users.Add("alice", 1001);
        Assert.Null(await tickets.FindAsync(Front, removed.Ticket));

        SignInTicket renamed = await IssueAsync("alice");
        users.Remove("alice");
        users.Add("eve", 1001);
        Assert.Null(await tickets.FindAsync(Front, renamed.Ticket));
        users.Remove("eve");
        users.Add("alice", 1003);
        SignInTicket moved = await IssueAsync("alice");
        users.Add("alice", 1004);
        Assert.Null(await tickets.FindAsync(Front, moved.Ticket));
    }

    [Fact]
    public async Task A_ticket_ends_when_the_password_changes()
    {
        shadow["alice"] = new ShadowEntry(1, -1, -1, -1) { PasswordMark = 7 };
        SignInTicket first = await IssueAsync("alice");
        shadow["alice"] = shadow["alice"] with { MaximumAge = 3 };
        Assert.NotNull(await tickets.FindAsync(Front, first.Ticket));
        shadow["alice"] = shadow["alice"] with { PasswordMark = 8 };
        Assert.Null(await tickets.FindAsync(Front, first.Ticket));
        shadow["alice"] = shadow["alice"] with { PasswordMark = 7 };
        Assert.Null(await tickets.FindAsync(Front, first.Ticket));

        SignInTicket second = await IssueAsync("alice");
        shadow.Remove("alice");
        Assert.Null(await tickets.FindAsync(Front, second.Ticket));
    }

    [Fact]
    public async Task A_password_that_changed_before_the_ticket_was_issued_ends_it()
    {
        shadow["alice"] = new ShadowEntry(1, -1, -1, -1) { PasswordMark = 8 };
        SignInTicket ticket = tickets.Issue(Front, (await users.FindAsync(UserSelector.Parse("alice"), Front.Bucket))!, 7, "service");
        Assert.Null(await tickets.FindAsync(Front, ticket.Ticket));
    }

    [Fact]
    public async Task A_ticket_expires_while_the_machine_is_suspended_and_not_later_when_the_clock_is_set_back()
    {
        SignInTicket suspended = await IssueAsync("alice");
        time.SetTimeOfDay(TimeSpan.FromHours(8) - TimeSpan.FromMinutes(1));
        Assert.NotNull(await tickets.FindAsync(Front, suspended.Ticket));
        time.SetTimeOfDay(TimeSpan.FromMinutes(1));
        Assert.Null(await tickets.FindAsync(Front, suspended.Ticket));

        SignInTicket setBack = await IssueAsync("alice");
        time.SetTimeOfDay(-TimeSpan.FromDays(1));
        time.Advance(TimeSpan.FromHours(8) - TimeSpan.FromSeconds(1));
        Assert.NotNull(await tickets.FindAsync(Front, setBack.Ticket));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await tickets.FindAsync(Front, setBack.Ticket));
    }

    [Fact]
    public async Task A_reload_can_shorten_the_time_of_tickets_and_does_not_lengthen_it()
    {
        SignInTicket ticket = await IssueAsync("alice");
        options.Policy.SignIn.TicketTime = TimeSpan.FromDays(1);
        time.Advance(TimeSpan.FromHours(1));
        Assert.NotNull(await tickets.FindAsync(Front, ticket.Ticket));
        options.Policy.SignIn.TicketTime = TimeSpan.FromHours(1);
        tickets.Reloaded();
        options.Policy.SignIn.TicketTime = TimeSpan.FromHours(8);
        tickets.Reloaded();
        Assert.Null(await tickets.FindAsync(Front, ticket.Ticket));

        ticket = await IssueAsync("alice");
        options.Policy.SignIn.TicketTime = TimeSpan.FromDays(1);
        tickets.Reloaded();
        time.Advance(TimeSpan.FromHours(8));
        Assert.Null(await tickets.FindAsync(Front, ticket.Ticket));
    }

    [Fact]
    public async Task A_ticket_ends_when_its_caller_may_no_longer_sign_users_in()
    {
        SignInTicket ticket = await IssueAsync("alice");
        callers.Remove(Front.Uid);
        Assert.Null(await tickets.FindAsync(Front, ticket.Ticket));
        callers.Add(Front.Uid);
        Assert.Null(await tickets.FindAsync(Front, ticket.Ticket));
    }

    [Fact]
    public async Task Tickets_end_for_ever_when_a_reload_removes_a_caller_and_stay_when_it_adds_one()
    {
        options.Policy.SignIn.Callers = ["33"];
        tickets.Reloaded();
        SignInTicket ticket = await IssueAsync("alice");
        options.Policy.SignIn.Callers = ["33", "34"];
        tickets.Reloaded();
        Assert.NotNull(await tickets.FindAsync(Front, ticket.Ticket));
        options.Policy.SignIn.Callers = ["34"];
        tickets.Reloaded();
        options.Policy.SignIn.Callers = ["33", "34"];
        tickets.Reloaded();
        Assert.Null(await tickets.FindAsync(Front, ticket.Ticket));
    }

    [Fact]
    public async Task Tickets_end_when_sign_in_is_switched_off_or_gets_another_service()
    {
        foreach (string? next in (string?[])[null, "other"])
        {
            SignInTicket ticket = await IssueAsync("alice");
            tickets.Reloaded();
            Assert.NotNull(await tickets.FindAsync(Front, ticket.Ticket));
            options.Policy.SignIn.PamService = next;
            await Assert.ThrowsAsync<RefusedException>(async () => await IssueAsync("alice"));
            tickets.Reloaded();
            Assert.Null(await tickets.FindAsync(Front, ticket.Ticket));
            options.Policy.SignIn.PamService = "service";
            tickets.Reloaded();
            Assert.Null(await tickets.FindAsync(Front, ticket.Ticket));
        }
    }

    [Fact]
    public async Task The_oldest_tickets_of_a_user_make_room_and_those_of_others_stay()
    {
        SignInTicket bob = await IssueAsync("bob");
        var all = new List<SignInTicket>();
        for (int i = 0; i < 70; i++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            all.Add(await IssueAsync("alice"));
        }

        Assert.Equal(65, tickets.Count);
        Assert.Null(await tickets.FindAsync(Front, all[5].Ticket));
        Assert.NotNull(await tickets.FindAsync(Front, all[6].Ticket));
        Assert.NotNull(await tickets.FindAsync(Front, bob.Ticket));

        time.Advance(TimeSpan.FromHours(9));
        _ = await IssueAsync("alice");
        Assert.Equal(1, tickets.Count);
    }

    /// <summary>
    /// Also the texts that a lenient decoder reads as the bits of the ticket. The time is that of a search by digest, whatever the text
    /// has in common with the ticket; the test prints it.
    /// </summary>
    [Fact]
    public async Task No_wrong_or_mutated_ticket_of_100000_is_valid()
    {
        const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        string ticket = (await IssueAsync("alice")).Ticket;
        var random = new Random(20);
        var wrong = new List<string>();
        foreach (int position in Enumerable.Range(0, ticket.Length))
        {
            foreach (char other in Alphabet.Where(other => other != ticket[position]))
                wrong.Add(string.Concat(ticket.AsSpan(0, position), [other], ticket.AsSpan(position + 1)));
        }

        int near = wrong.Count;
        while (wrong.Count < 50_000)
        {
            char[] mutated = ticket.ToCharArray();
            random.Shuffle(mutated);
            wrong.Add(new string(mutated));
        }

        while (wrong.Count < 100_000)
            wrong.Add(new string(random.GetItems<char>(Alphabet, ticket.Length)));
        // In random order: the first searches are slower.
        var times = new long[wrong.Count];
        foreach (int i in Enumerable.Range(0, wrong.Count).OrderBy(_ => random.Next()))
        {
            Assert.NotEqual(ticket, wrong[i]);
            long begun = Stopwatch.GetTimestamp();
            SignedInUser? found = await tickets.FindAsync(Front, wrong[i]);
            times[i] = Stopwatch.GetTimestamp() - begun;
            Assert.Null(found);
        }

        Assert.NotNull(await tickets.FindAsync(Front, ticket));
        Console.WriteLine(
            $"measured: a refusal takes {Median(times[..near])} ns for a ticket with one wrong character, {Median(times[50_000..])} ns for "
            + "a random one");
    }

    private static long Median(long[] times) =>
        (long)Stopwatch.GetElapsedTime(0, times.Order().ElementAt(times.Length / 2)).TotalNanoseconds;

    private static Caller Make(uint uid) => new(new UserId(uid), new GroupId(uid), [], new ProcessId(1));

    private async Task<SignInTicket> IssueAsync(string user) =>
        tickets.Issue(
            Front, (await users.FindAsync(UserSelector.Parse(user), Front.Bucket))!, shadow.GetValueOrDefault(user)?.PasswordMark,
            "service");
}
