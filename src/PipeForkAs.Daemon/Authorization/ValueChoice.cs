using System.Collections.Frozen;
using System.Text.Json;

namespace PipeForkAs.Daemon.Authorization;

/// <summary>
/// Values of which an argument must be one: texts as written, numbers by value, true and false. A search takes the same time for any number
/// of values.
/// </summary>
internal sealed class ValueChoice(IEnumerable<string> values)
{
    private readonly FrozenSet<string> texts = values.ToFrozenSet(StringComparer.Ordinal);
    private readonly FrozenSet<string> words = values.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    private readonly FrozenSet<decimal> numbers =
        values.Select(value => JsonNumber.TryRead(value, out decimal number) ? number : (decimal?)null).OfType<decimal>().ToFrozenSet();

    /// <summary>Whether an argument has one of the values.</summary>
    public TruthValue Holds(ArgumentValue value) => value.Kind switch
    {
        JsonValueKind.String => texts.Contains(value.Text!) ? TruthValue.Yes : TruthValue.No,
        JsonValueKind.Number when value.Number is { } number => numbers.Contains(number) ? TruthValue.Yes : TruthValue.No,
        JsonValueKind.True => words.Contains("true") ? TruthValue.Yes : TruthValue.No,
        JsonValueKind.False => words.Contains("false") ? TruthValue.Yes : TruthValue.No,
        _ => TruthValue.Unknowable,
    };
}
