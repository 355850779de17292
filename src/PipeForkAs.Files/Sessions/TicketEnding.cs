using PipeForkAs.Files.Logging;
using PipeForkAs.Protocol;

namespace PipeForkAs.Files.Sessions;

/// <summary>Ends the tickets of sessions that ended, and at a stop of the page those of all.</summary>
internal sealed class TicketEnding(SessionStore sessions, IPipeForkAsClient client, TimeProvider time, ILogger<TicketEnding> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan OneTicket = TimeSpan.FromSeconds(5);

    /// <summary>Ends the tickets of the sessions that have ended so far.</summary>
    public async Task EndTicketsAsync(CancellationToken cancellation)
    {
        while (sessions.TakeEnded(out (Session Session, string Reason) next))
        {
            string user = UntrustedText.Excerpt(next.Session.Account.Name);
            logger.SessionEnded(user, next.Reason);
            if (next.Session.Account.Ticket is not { } ticket)
                continue;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(OneTicket);
            try
            {
                await client.SignOutAsync(ticket, limit.Token);
            }
            catch (Exception failure) when (failure is PipeForkAsException or OperationCanceledException)
            {
                logger.TicketLeft(user, failure.Message);
            }
        }
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        sessions.EndAll("the page stops");
        await EndTicketsAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            sessions.EndExpired();
            await EndTicketsAsync(stoppingToken);
        }
    }
}
