
;
xPlaceholder*
dtype0*
shape:ÿÿÿÿÿÿÿÿÿ
X
SquaredDifference/yConst*
dtype0*-
value$B""¥­°>ï”­¾Œ…l=¾ ó‘¾Õé½
G
SquaredDifferenceSquaredDifferencexSquaredDifference/y*
T0
)
yIdentitySquaredDifference*
T0
 
IdentityIdentityy*
T0"ª