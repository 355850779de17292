using System.Text;
using System.Text.Json;

namespace PipeForkAs.Protocol.Tests.Fuzz;

/// <summary>
/// Creates nearly valid JSON objects: omits, duplicates and renames members, gives them values of other members and other types, and then
/// damages bytes.
/// </summary>
/// <param name="members">Valid values by member name, as JSON.</param>
internal sealed class JsonMutation(IReadOnlyList<(string Name, string[] Values)> members)
{
    private static readonly string[] Odd =
    [
        "null", "true", "false", "0", "-1", "1", "4294967295", "4294967296", "-2147483649", "18446744073709551616", "1e999", "-1e-999",
            "0.1", "1E5", "-0", "[]", "{}", "[[]]", "\"\"",
        "\"\\u0000\"", "\"\\n\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud83d\\ude00\"", "\"é\"", "\"../..\"", "\"/\"", "\"*\"",
            "\"@x\"", "\"~\"", "\"a b\"", "\"root\"", "\"self\"", "\"00\"", "\"-1\"",
        "{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":1,\"a\":2}", "[1,[2,[3]]]", "\"\\u0061\"", "01", "+1", ".5", "1.", "NaN", "Infinity", "'x'",
            "//", "/*", "undefined", "\"\t\"",
    ];

    private static readonly string[] Spaces = ["", "", "", " ", "\t", "\n", "\r\n", "  ", "\ufeff", "\u00a0", "\0"];

    /// <summary>The next one.</summary>
    public byte[] Next(Random random)
    {
        var text = new StringBuilder();
        Object(text, random, 0);
        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        return random.Next(3) != 0 ? bytes : new Mutation(random.Next()).Of(bytes);
    }

    private void Object(StringBuilder text, Random random, int depth)
    {
        text.Append(Space(random)).Append('{');
        string comma = "";
        foreach ((string name, string[] values) in members)
        {
            for (int times = random.Next(40) switch { 0 => 2, < 14 => 0, _ => 1 }; times > 0; times--)
            {
                text.Append(comma).Append(Space(random)).Append(Name(random, name)).Append(Space(random)).Append(':').Append(Space(random));
                Value(text, random, values, depth);
                comma = random.Next(200) == 0 ? ",," : ",";
            }
        }

        if (random.Next(20) == 0)
            text.Append(comma).Append(random.Next(2) == 0 ? "\"caller\":\"33\"" : "\"x\":1");
        if (random.Next(100) != 0)
            text.Append('}');
        text.Append(Space(random));
    }

    private void Value(StringBuilder text, Random random, string[] values, int depth)
    {
        switch (random.Next(40))
        {
            case 0:
                text.Append(Odd[random.Next(Odd.Length)]);
                break;
            case 1:
                string[] others = members[random.Next(members.Count)].Values;
                text.Append(others[random.Next(others.Length)]);
                break;
            case 2 when depth < 3:
                Object(text, random, depth + 1);
                break;
            case 3 when random.Next(20) == 0:
                int deep = random.Next(1, 3000);
                text.Append(
                    random.Next(2) == 0
                    ? new string('[', deep) + new string(']', deep)
                    : string.Concat(Enumerable.Repeat("{\"a\":", deep)) + "1" + new string('}', deep));
                break;
            case 4 when random.Next(20) == 0:
                text.Append('"').Append(random.Next(2) == 0 ? 'x' : '9', random.Next(70_000)).Append('"');
                break;
            default:
                text.Append(values[random.Next(values.Length)]);
                break;
        }
    }

    /// <summary>A name unchanged, in another case, or with an escape for one of its letters, which is the same name in JSON.</summary>
    private static string Name(Random random, string name)
    {
        int at = random.Next(name.Length);
        return random.Next(90) switch
        {
            0 => JsonSerializer.Serialize(name.ToUpperInvariant()),
            1 => $"\"{name[..at]}\\u{(int)name[at]:x4}{name[(at + 1)..]}\"",
            2 => JsonSerializer.Serialize(name + "\0"),
            3 => name,
            _ => $"\"{name}\"",
        };
    }

    private static string Space(Random random) => random.Next(30) == 0 ? Spaces[random.Next(Spaces.Length)] : "";
}
