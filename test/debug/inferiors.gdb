# mode=inferiors: each domain is a program of its own, with its own symbols.
# Of programs/pingpong.system.
set pagination off
set confirm off
set width 0
add-inferior
inferior 2
attach 2
echo \n--- inferiors\n
info inferiors
echo --- break in each\n
break notified
inferior 1
info breakpoints
set schedule-multiple on
continue
backtrace 1
continue
backtrace 1
echo --- inject\n
reverse-continue
monitor inject pd.ping nonsense
monitor inject pd.ping sleep
monitor time
continue
echo --- kill\n
kill
