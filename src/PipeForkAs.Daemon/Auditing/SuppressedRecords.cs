using System.Globalization;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Auditing;

/// <summary>Sums up the records of one caller, or one block of callers, that were not written in full.</summary>
/// <param name="firstUid">The first of the callers' uids.</param>
/// <param name="lastUid">The last of the callers' uids; equal to the first for one caller.</param>
internal sealed class SuppressedRecords(uint firstUid, uint lastUid)
{
    private readonly SortedDictionary<string, long> codes = new(StringComparer.Ordinal);

    /// <summary>The uid of the caller; null for several callers.</summary>
    public uint? Uid => firstUid == lastUid ? firstUid : null;

    /// <summary>The callers, for a message.</summary>
    public string Uids =>
        Uid?.ToString(CultureInfo.InvariantCulture) ?? string.Create(CultureInfo.InvariantCulture, $"{firstUid}-{lastUid}");

    /// <summary>The number of records.</summary>
    public long Count { get; private set; }

    /// <summary>When the first request ended.</summary>
    public DateTimeOffset First { get; private set; }

    /// <summary>When the last request ended.</summary>
    public DateTimeOffset Last { get; private set; }

    /// <summary>The number of records for each code, for example <c>bad-request 3, denied 4711</c>.</summary>
    public string Codes => string.Join(", ", codes.Select(code => string.Create(CultureInfo.InvariantCulture, $"{code.Key} {code.Value}")));

    /// <summary>Counts one record.</summary>
    public void Add(ReplyCode code, DateTimeOffset ended)
    {
        if (Count++ == 0)
            First = ended;
        Last = ended;
        string word = code.ToWire();
        codes[word] = codes.GetValueOrDefault(word) + 1;
    }
}
