using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using System.Text;
using Cage.Engine;

namespace Cage.PowerShell.Scripts;

/// <summary>The values that a script block takes along from its caller by <c>$using:</c> (about_Remote_Variables).</summary>
internal static class UsingValues
{
    /// <summary>Finds and reads them, by the keys under which the other side looks for them: the expression in lower case, UTF-16, base 64.</summary>
    /// <exception cref="CageException">CageArgumentInvalid: a variable that is not there.</exception>
    public static Hashtable Of(ScriptBlock script, SessionState session)
    {
        Hashtable values = [];
        foreach (Ast found in script.Ast.FindAll(ast => ast is UsingExpressionAst, searchNestedScriptBlocks: true))
        {
            string expression = found.Extent.Text.ToLowerInvariant();
            values[Convert.ToBase64String(Encoding.Unicode.GetBytes(expression))] = Read((UsingExpressionAst)found, session);
        }
        return values;
    }

    private static object? Read(UsingExpressionAst expression, SessionState session)
    {
        VariablePath path = UsingExpressionAst.ExtractUsingVariable(expression).VariablePath;
        if (path.IsVariable && session.PSVariable.Get(path.UserPath) is null)
            throw new CageException(CageError.CageArgumentInvalid, $"{expression.Extent.Text} has no value: ${path.UserPath} is not set here.", target: path.UserPath);
        return session.PSVariable.GetValue(path.UserPath);
    }
}
