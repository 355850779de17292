using System.Buffers;

namespace PipeForkAs.Protocol.Client;

/// <summary>The text of a ticket: 256 random bits in base64url without padding (RFC 4648). Only the whole text counts, not the bits: of the
/// four texts that a lenient decoder reads as the same bits, three are not the ticket.
/// </summary>
public static class TicketText
{
    /// <summary>The number of characters.</summary>
    internal const int Length = 43;

    internal const string Rule = "the 43 characters of base64url that \"sign-in\" replied";

    private static readonly SearchValues<char> Characters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>Whether a text has the form of a ticket.</summary>
    public static bool IsValid(string text) => text is not null && text.Length == Length && !text.AsSpan().ContainsAnyExcept(Characters);
}
