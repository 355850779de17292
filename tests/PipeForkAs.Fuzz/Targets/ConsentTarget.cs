using System.Text;
using PipeForkAs.Fuzz.Driver;
using PipeForkAs.Jobs.Worker;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Fuzz.Targets;

/// <summary>A user's consent file. The first byte chooses the job, the second the names of the caller.</summary>
internal sealed class ConsentTarget : Target
{
    private static readonly string[] Jobs = ["id", "read-file", "read", "a", "a.b_c-1"];
    private static readonly string[][] Callers =
        [["33", "www-data", "@33", "@www-data"], ["0"], ["1001", "alice", "@50", "@500"], [], ["1", "é", "@é"]];

    public override string Name => "consent";

    public override int MaxLength => 1024;

    public override void Try(Trial trial)
    {
        if (trial.Input.Length < 2)
            return;
        string job = Jobs[trial.Input[0] % Jobs.Length];
        string[] callers = Callers[trial.Input[1] % Callers.Length];
        byte[] file = trial.Input[2..];
        ConsentAnswer answer = trial.Measured(() => ConsentFile.Decide(file, job, callers));
        Trial.IsReason(answer.Reason);
        if (answer.Given)
            trial.Accept();
        bool? plain = ReadIndependently(file, job, callers);
        Trial.Holds(answer.Given == (plain ?? false), $"{answer}; by the design: {plain?.ToString() ?? "not a consent file"}");
    }

    /// <summary>An independent reader of the file, by the manual page; null if the file is invalid, which means no consent.</summary>
    private static bool? ReadIndependently(byte[] file, string job, string[] callers)
    {
        bool given = false;
        foreach (string whole in Encoding.Latin1.GetString(file).Split('\n'))
        {
            string line = whole.Split('#')[0];
            if (line.Any(letter => letter is '\x7f' or (< ' ' and not '\t')))
                return null;
            string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
                continue;
            string pattern = words.Length == 1 ? "*" : words[1];
            string beginning = pattern.EndsWith('*') ? pattern[..^1] : pattern;
            if (words.Length > 2 || !(pattern == "*" || IsName(beginning)))
                return null;
            bool caller = words[0] == "*" || callers.Any(name => words[0] == Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(name)));
            given |= caller && (pattern.EndsWith('*') ? job.StartsWith(beginning, StringComparison.Ordinal) : job == pattern);
        }

        return given;
    }

    private static bool IsName(string text) => text.Length is > 0 and <= 64 && char.IsAsciiLetterOrDigit(text[0])
        && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.');
}
