using System.Buffers;
using System.Text;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>
/// A word of a command line: fixed text, a parameter (<c>{NAME}</c>), or fixed text and then parameters (<c>--depth={n}</c>). Only declared
/// parameters count: other braces are text.
/// </summary>
internal sealed class CommandWord
{
    /// <summary>
    /// Fixed text with one of these characters is probably a line for a shell or another interpreter, which could interpret a value as
    /// code.
    /// </summary>
    private static readonly SearchValues<char> OfInterpreters = SearchValues.Create(" \t\n\r\v\f'\"`$;|&<>()\\");

    private readonly List<Piece> pieces = [];

    private CommandWord(string word) => Text = word;

    /// <summary>The word as written in the configuration.</summary>
    public string Text { get; }

    /// <summary>The parameter, if it is the whole word; otherwise null.</summary>
    public string? Parameter => pieces is [{ IsParameter: true } only] ? only.Text : null;

    /// <summary>The parameters in the word.</summary>
    public IEnumerable<string> Parameters => pieces.Where(piece => piece.IsParameter).Select(piece => piece.Text);

    /// <summary>Why the word cannot be used; null if it can.</summary>
    public string? Problem
    {
        get
        {
            if (pieces is [_] || Parameters.FirstOrDefault() is not { } parameter)
                return null;
            string remedy = $"make \"{{{parameter}}}\" a separate word";
            if (pieces[0].IsParameter)
                return $"a parameter at the beginning of a word must be the whole word; {remedy}";
            if (pieces[0].Text is ['-', .. var option] && !option.Contains('=', StringComparison.Ordinal))
                return $"after \"{pieces[0].Text}\" a value could become another option; write \"--OPTION={{{parameter}}}\", or {remedy}";
            return pieces.Exists(piece => !piece.IsParameter && piece.Text.AsSpan().ContainsAny(OfInterpreters))
                ? $"text beside a parameter must not contain white space, quotes or any of `$;|&<>()\\, which an interpreter would "
                    + $"read; {remedy}"
                : null;
        }
    }

    /// <summary>Reads a word.</summary>
    /// <param name="word">The word.</param>
    /// <param name="isDeclared">Whether a parameter is declared, by its name.</param>
    public static CommandWord Parse(string word, Func<string, bool> isDeclared)
    {
        var parsed = new CommandWord(word);
        int fixedFrom = 0;
        for (int i = 0; i < word.Length; i++)
        {
            int end = word[i] == '{' ? word.IndexOf('}', i) : -1;
            if (end < 0 || word[(i + 1)..end] is not { } name || !JobName.IsValid(name) || !isDeclared(name))
                continue;
            parsed.AddText(word[fixedFrom..i]);
            parsed.pieces.Add(new Piece(name, IsParameter: true));
            fixedFrom = end + 1;
            i = end;
        }

        parsed.AddText(word[fixedFrom..]);
        return parsed;
    }

    /// <summary>
    /// Returns the name of an undeclared parameter, if the whole word looks like one; null if the word is text, or the parameter is
    /// declared.
    /// </summary>
    public static string? Undeclared(string word, Func<string, bool> isDeclared) =>
        word is ['{', .., '}'] && JobName.IsValid(word[1..^1]) && !isDeclared(word[1..^1]) ? word[1..^1] : null;

    /// <summary>
    /// Returns the word with values in place of its parameters. Values are inserted as they are: braces in a value are text.
    /// </summary>
    public string Fill(Func<string, string> value)
    {
        var filled = new StringBuilder();
        foreach (Piece piece in pieces)
            filled.Append(piece.IsParameter ? value(piece.Text) : piece.Text);
        return filled.ToString();
    }

    private void AddText(string text)
    {
        if (text.Length > 0)
            pieces.Add(new Piece(text, IsParameter: false));
    }

    private readonly record struct Piece(string Text, bool IsParameter);
}
