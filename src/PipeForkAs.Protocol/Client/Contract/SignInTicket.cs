using System.Text.Json.Serialization;

namespace PipeForkAs.Client;

/// <summary>The result of <c>sign-in</c>. In the protocol it is the output of the reply.</summary>
/// <param name="Ticket">
/// The ticket, a secret of 43 characters. Only the caller that signed the user in can use it, and only for this user.
/// </param>
/// <param name="User">The user's name.</param>
/// <param name="Uid">The user's uid.</param>
/// <param name="Expires">The time at which the ticket ends at the latest (Policy:SignIn:TicketTime), UTC.</param>
/// <param name="Seconds">The seconds until then, when the daemon replied.</param>
public sealed record SignInTicket(
    [property: JsonPropertyName("ticket")] string Ticket,
    [property: JsonPropertyName("user")] string User,
    [property: JsonPropertyName("uid")] uint Uid,
    [property: JsonPropertyName("expires")] DateTimeOffset Expires,
    [property: JsonPropertyName("seconds")] double Seconds)
{
    /// <summary>Returns the ticket's user and end; never the ticket, because a text can get into a log.</summary>
    public override string ToString() => $"a ticket for {User}, valid until {Expires:u}";
}
